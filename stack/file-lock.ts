import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleepMs } from "node:timers/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const POLL_MS = 100;

/** SQLite's result code for a database that somebody else has locked. */
const SQLITE_BUSY = 5;

/**
 * Runs the work while holding the lock file, in this process or in any other of this machine. The operating system
 * releases the lock of a process that dies. Node offers no file locks of its own, so this takes SQLite's, on an empty
 * database.
 *
 * @throws stack-unavailable when the lock was not to be had within `waitMsMax`.
 */
export async function withFileLock<T>(path: string, waitMsMax: number, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    const deadlineMs = Date.now() + waitMsMax;
    while (!tryLock(database)) {
      if (Date.now() > deadlineMs) {
        const message = `another command has held ${path} for ${waitMsMax} ms; wait until it is done, or stop it`;
        throw new FruitstreamError("stack-unavailable", message);
      }
      await sleepMs(POLL_MS);
    }
    return await work();
  } finally {
    database.close();
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
