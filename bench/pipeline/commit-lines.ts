import { readFile } from "node:fs/promises";

/** A table commit as its reducer logged it. */
export interface CommitLine {
  readonly version: number;
  readonly rows: number;
  /** When the commit was acknowledged, ms since the epoch. */
  readonly atMs: number;
  /** From closing the window to the acknowledgement. */
  readonly tookMs: number;
}

/** The commits in a reducer's log file. */
export async function readCommitLines(logPath: string): Promise<CommitLine[]> {
  return parseCommitLines(await readFile(logPath, "utf8"));
}

export function parseCommitLines(log: string): CommitLine[] {
  return log.split("\n").flatMap((line) => {
    if (!line.includes('"msg":"committed"')) return [];
    const { time, version, rows, tookMs } = JSON.parse(line);
    return [{ version, rows, tookMs, atMs: Date.parse(time) }];
  });
}
