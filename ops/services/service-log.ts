import type { StdioOptions } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";

/** Where the output of a service's processes goes, one after the other. */
export interface ServiceLog {
  readonly stdio: StdioOptions;
  /** Takes what a process writes beside its log: Node's own report of why it died. */
  takeErrors(stderr: Readable | null): void;
  /** The last line of that; empty when there was none, or it went to the terminal. */
  readonly lastError: string;
  close(): void;
}

/** @param place a file, which processes append to; "terminal" for this process's own output; undefined drops it. */
export function openServiceLog(place: string | "terminal" | undefined): ServiceLog {
  if (place === "terminal") {
    const stdio: StdioOptions = ["ignore", "inherit", "inherit", "ipc"];
    return { stdio, takeErrors: () => undefined, lastError: "", close: () => undefined };
  }
  const file = place === undefined ? undefined : openSync(place, "a");
  let isOpen = true;
  let lastError = "";
  return {
    stdio: ["ignore", file ?? "ignore", "pipe", "ipc"],
    takeErrors(stderr) {
      stderr?.on("data", (chunk: Buffer) => {
        if (file !== undefined && isOpen) writeSync(file, chunk);
        lastError = chunk.toString().trim().split("\n").at(-1) || lastError;
      });
    },
    get lastError() {
      return lastError;
    },
    close() {
      if (file !== undefined && isOpen) closeSync(file);
      isOpen = false;
    },
  };
}
