import { readFileSync, writeFileSync } from "node:fs";
import { parseCpuSeconds, parseStatusBytes } from "./process-meter.ts";

/** The largest resident set that a process has had, in MiB; 0 when it is gone. */
export function peakRssMiB(pid: number): number {
  return parseStatusBytes(procFile(`${pid}/status`), "VmHWM") / 1_048_576;
}

/** Lets the largest resident set be that of now (proc(5), clear_refs). */
export function forgetPeakRss(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** User and system time of a process, in steps of 10 ms; 0 when it is gone. */
export function cpuMsOf(pid: number): number {
  const stat = procFile(`${pid}/stat`);
  return stat === "" ? 0 : 1_000 * parseCpuSeconds(stat);
}

/** The ids of a process's children. */
export function childrenOf(pid: number): number[] {
  return procFile(`${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function procFile(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}
