import { rename, stat } from "node:fs/promises";
import { hashFile } from "#lib/model/model-folder.ts";
import { FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { backoffMs } from "#lib/runtime/retry.ts";
import { withFileLock } from "#stack/file-lock.ts";
import type { DownloadHooks, RemoteFile } from "./partial-download.ts";
import { PartialDownload } from "./partial-download.ts";

/** Attempts in a row that bring nothing new. One that brings bytes starts the count again. */
const FRUITLESS_ATTEMPTS_MAX = 4;

const RETRY_POLICY = { delayMsFirst: 500, delayMsMax: 5_000 };

/** How long to wait for another process that fetches the same file; then it would be odd. */
const LOCK_WAIT_MS_MAX = 3_600_000;

/**
 * Brings a file to a path, where it appears only whole and checked. A cut connection is taken up where it ended, in this
 * call or in one of another day, as long as the server still has the same file. Of several processes one downloads and
 * the others find its file.
 *
 * @throws download-failed naming URL, path and cause; invalid-model when what the server has is another file.
 */
export async function download(file: RemoteFile, path: string, hooks: DownloadHooks): Promise<void> {
  await withFileLock(`${path}.lock`, LOCK_WAIT_MS_MAX, async () => {
    if (await stat(path).catch(() => undefined)) return verifyFile(file, path);
    const partial = new PartialDownload(file, `${path}.part`);
    await receiveAll(partial, path, hooks);
    try {
      await verifyFile(file, partial.path);
    } catch (error) {
      await partial.discard();
      throw error;
    }
    await rename(partial.path, path);
    await partial.discard();
  });
}

/**
 * Compares a file with what is known of it.
 *
 * @throws invalid-model with both sizes or both hashes.
 */
async function verifyFile({ url, bytes, sha256 }: RemoteFile, path: string): Promise<void> {
  const { size } = await stat(path);
  const remedy = `remove it and get it again from ${url}, or correct the model.json`;
  if (size !== bytes) {
    throw new FruitstreamError("invalid-model", `${path} has ${size} bytes instead of ${bytes}; ${remedy}`);
  }
  const actual = await hashFile(path);
  if (actual !== sha256) {
    throw new FruitstreamError("invalid-model", `${path} has the SHA-256 ${actual} instead of ${sha256}; ${remedy}`);
  }
}

async function receiveAll(partial: PartialDownload, path: string, hooks: DownloadHooks): Promise<void> {
  for (let fruitless = 0; ; ) {
    const before = await partial.receivedBytes();
    try {
      return await partial.receive(hooks);
    } catch (error) {
      hooks.signal.throwIfAborted();
      if (fateOf(error) !== "retry") throw refused(error, path);
      fruitless = (await partial.receivedBytes()) > before ? 0 : fruitless + 1;
      if (fruitless === FRUITLESS_ATTEMPTS_MAX) throw givenUp(error, partial.file, path);
      await hooks.clock.sleep(backoffMs(RETRY_POLICY, fruitless + 1, Math.random), hooks.signal);
    }
  }
}

/** The server has no such file; another place may have it. */
function refused(error: unknown, path: string): unknown {
  if (!(error instanceof FruitstreamError)) return error;
  const message = `${error.message}, or get the file elsewhere and put it at ${path}`;
  return new FruitstreamError(error.code, message, { cause: error });
}

function givenUp(cause: unknown, { url, bytes }: RemoteFile, path: string): FruitstreamError {
  const problem = `can't download ${url} (${bytes} bytes): ${cause instanceof Error ? cause.message : String(cause)}`;
  const remedy = `run the command again, which goes on where it ended, or get the file by hand and put it at ${path}`;
  return new FruitstreamError("download-failed", `${problem}; ${remedy}`, { cause });
}
