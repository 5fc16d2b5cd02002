import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { ByteRange, GetOptions } from "../object-store.ts";

/**
 * Reads a file as an object store reads an object. The etag is the MD5 of the bytes that are returned, whatever happens
 * to the file meanwhile.
 *
 * @throws etag-changed and too-large as `ObjectStore.get` does; not-found; unreadable-object when the system lets nobody
 * read this one file; store-unavailable when it may pass.
 */
export async function readObjectFile(path: string, { bytesMax, ifMatch, signal }: GetOptions) {
  signal?.throwIfAborted();
  try {
    await using file = await openFile(path);
    const { size } = await file.stat();
    if (size > bytesMax) throw await unwanted(path, size, bytesMax, ifMatch);
    const bytes = await readBytes(file, 0, size);
    const etag = md5(bytes);
    if (ifMatch !== undefined && etag !== ifMatch) throw changed(path, ifMatch, etag);
    signal?.throwIfAborted();
    return { bytes, etag };
  } catch (error) {
    throw toFileError(error, path, "read");
  }
}

/** The bytes of a part of a file. @throws as `readObjectFile` does. */
export async function readFileRange(path: string, { start, end }: ByteRange): Promise<Uint8Array> {
  try {
    await using file = await openFile(path);
    const { size } = await file.stat();
    return await readBytes(file, start, Math.max(start, Math.min(end, size)));
  } catch (error) {
    throw toFileError(error, path, "read");
  }
}

/** The MD5 of a file of any size. @throws as `readObjectFile` does. */
export async function etagOfFile(path: string): Promise<string> {
  const hash = createHash("md5");
  try {
    await using file = await openFile(path);
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw toFileError(error, path, "read");
  }
  return hash.digest("hex");
}

/** The first bytes of a file, fewer where it has no more. @throws as `readObjectFile` does. */
export function readFileStart(path: string, bytesMax: number): Promise<Uint8Array> {
  return readFileRange(path, { start: 0, end: bytesMax });
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** What the file system threw, as a FruitstreamError; what we did not foresee is returned as it is. */
export function toFileError(error: unknown, path: string, act: "read" | "write"): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  const fail = (to: ConstructorParameters<typeof FruitstreamError>[0], text: string) =>
    new FruitstreamError(to, text, { cause: error });
  if (error instanceof FruitstreamError) return error;
  if (act === "read" && MISSING.has(code)) return fail("not-found", `${path} does not exist`);
  if (PASSING.has(code)) return fail("store-unavailable", `${path} can't be reached for now (${message})`);
  if (FULL.has(code)) return fail("stack-unavailable", `there is no room left for ${path}; make some and go on`);
  if (!REFUSED.has(code)) return error;
  return act === "read"
    ? fail("unreadable-object", `${path} may not be read; check its permissions`)
    : fail("access-denied", `${path} may not be written (${message}); check the folder's permissions`);
}

/** A name that is a folder, that goes on below a file, or that no file can have, is the name of no object. */
const MISSING = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP", "ENXIO"]);
const PASSING = new Set(["EMFILE", "ENFILE", "EIO", "EBUSY", "EAGAIN", "ESTALE", "ETIMEDOUT"]);
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const REFUSED = new Set(["EACCES", "EPERM", "EROFS", "ENOTSUP", "EXDEV"]);

/** A pipe under the name would keep a plain open waiting for somebody who writes to it. */
async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new FruitstreamError("not-found", `${path} is no file`);
}

/** A file that grows while it is read gives no more than it had. */
async function readBytes(file: FileHandle, start: number, end: number): Promise<Buffer> {
  const size = end - start;
  const bytes = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  while (filled < size) {
    const { bytesRead } = await file.read(bytes, filled, size - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** As on S3, a condition on the etag is looked at before the size. */
async function unwanted(path: string, size: number, bytesMax: number, ifMatch: string | undefined) {
  if (ifMatch !== undefined) {
    const etag = await etagOfFile(path);
    if (etag !== ifMatch) return changed(path, ifMatch, etag);
  }
  return new FruitstreamError("too-large", `${path} has ${size} bytes, above the limit of ${bytesMax}`);
}

function changed(path: string, expected: string, actual: string): FruitstreamError {
  return new FruitstreamError("etag-changed", `${path} must have the etag ${expected}, got ${actual}`);
}
