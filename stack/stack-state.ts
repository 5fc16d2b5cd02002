import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** The local stack's servers. */
export type ServerName = "kafka" | "s3";

const serverRecord = z.object({ pid: z.number().int(), startedAt: z.string(), port: z.number().int() });

const stackState = z.object({
  /** The process that was last started for each server; it may have ended since. */
  servers: z.object({ kafka: serverRecord.optional(), s3: serverRecord.optional() }),
});

/** A server's process, and the port on 127.0.0.1 that clients use. */
export type ServerRecord = z.infer<typeof serverRecord>;

/** What a later command must know of the processes that an earlier one started. Kept in `state.json`. */
export type StackState = z.infer<typeof stackState>;

/** The recorded state. A file that is missing or was not written by this program counts as: nothing was started. */
export async function readStackState(stateDir: string): Promise<StackState> {
  const text = await readFile(statePath(stateDir), "utf8").catch(() => "");
  return stackState.safeParse(parseJson(text)).data ?? { servers: {} };
}

/** Replaces the recorded state; a reader sees the old one or the new one. */
export async function writeStackState(stateDir: string, state: StackState): Promise<void> {
  const path = statePath(stateDir);
  await writeFile(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

function statePath(stateDir: string): string {
  return join(stateDir, "state.json");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
