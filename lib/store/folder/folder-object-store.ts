import { randomUUID } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatS3Uri, type ObjectLocation, type ObjectStore, type ObjectSummary } from "../object-store.ts";
import { pathOfKey } from "./folder-key.ts";
import { listFolder } from "./folder-listing.ts";
import { etagOfFile, md5, readFileRange, readFileStart, readObjectFile, toFileError } from "./object-file.ts";

/** Where writes are made ready, on the same file system as what they replace. No bucket is called so. */
const INCOMING = ".incoming";
/** Etags of files that were written or summarised; about 2 MB. */
const ETAGS_KEPT_MAX = 10_000;
/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const KEY_BYTES_MAX = 1024;

/**
 * An object store in a folder of this machine: a bucket is a folder of it, an object a file under its key
 * (`pathOfKey`). A write is made ready beside, flushed to the disk and then takes its name in one step (a rename, or a
 * hard link where nothing may be there), so readers see all of it or nothing, after a power cut too. What a killed
 * process had made ready is removed at the opening: one process at a time may write.
 *
 * Etags are MD5 sums. No key can be the folder of another. Content types are not kept.
 *
 * @param bucketFolders folders of buckets that lie elsewhere, on the same file system.
 * @throws access-denied when the folder can't be written.
 */
export async function openFolderObjectStore(
  root: string,
  bucketFolders: Readonly<Record<string, string>> = {},
): Promise<ObjectStore> {
  const incoming = join(root, INCOMING);
  const etags = new EtagCache();
  try {
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
  } catch (error) {
    throw toFileError(error, root, "write");
  }

  const folderOf = (bucket: string) => bucketFolders[bucket] ?? (isBucketName(bucket) ? join(root, bucket) : undefined);
  const findBucket = async (bucket: string) => {
    const folder = folderOf(bucket);
    if (folder === undefined) return undefined;
    const found = await stat(folder).catch(() => undefined);
    return found?.isDirectory() ? folder : undefined;
  };
  const requireBucket = async (bucket: string) => {
    const folder = await findBucket(bucket);
    if (folder !== undefined) return folder;
    throw new FruitstreamError("invalid-config", `there is no bucket ${JSON.stringify(bucket)} in ${root}`);
  };
  const requirePath = async ({ bucket, key }: ObjectLocation) => {
    const folder = await requireBucket(bucket);
    if (isKey(key)) return join(folder, pathOfKey(key));
    throw new FruitstreamError("not-found", `no object has a key of ${Buffer.byteLength(key)} bytes`);
  };

  /** Makes the body ready and gives it its name by `place`. */
  const write = async <Placed>(
    location: ObjectLocation,
    body: Uint8Array,
    place: (ready: string, path: string) => Promise<Placed>,
  ): Promise<Placed> => {
    const path = await requirePath(location);
    const ready = join(incoming, randomUUID());
    try {
      await writeThrough(ready, body);
      await mkdir(dirname(path), { recursive: true });
      const placed = await place(ready, path);
      await syncFolder(dirname(path));
      return placed;
    } catch (error) {
      throw toWriteError(error, location, path);
    } finally {
      await rm(ready, { force: true });
    }
  };

  const summarise = async (key: string, path: string): Promise<ObjectSummary | undefined> => {
    try {
      const stats = await stat(path, { bigint: true });
      if (!stats.isFile()) return undefined;
      const etag = await etags.of(path, stats);
      return { key, etag, sizeBytes: Number(stats.size), modifiedAtMs: Number(stats.mtimeMs) };
    } catch (error) {
      const known = toFileError(error, path, "read");
      if (known instanceof FruitstreamError && known.code === "not-found") return undefined;
      throw known;
    }
  };

  const remove = async ({ bucket, key }: ObjectLocation) => {
    const folder = await findBucket(bucket);
    if (folder === undefined || !isKey(key)) return;
    const path = join(folder, pathOfKey(key));
    await rm(path, { force: true }).catch((error) => {
      if (error.code !== "ENOTDIR") throw toFileError(error, path, "write");
    });
  };

  return {
    async get(location, options) {
      options.signal?.throwIfAborted();
      return readObjectFile(await requirePath(location), options);
    },

    async getStart(location, bytesMax) {
      return { bytes: await readFileStart(await requirePath(location), bytesMax), contentType: undefined };
    },

    async getRange(location, range) {
      return readFileRange(await requirePath(location), range);
    },

    async head({ bucket, key }) {
      const folder = await findBucket(bucket);
      return folder === undefined || !isKey(key) ? undefined : summarise(key, join(folder, pathOfKey(key)));
    },

    put: (location, body) =>
      write(location, body, async (ready, path) => {
        await rename(ready, path);
        return { etag: md5(body) };
      }),

    putIfAbsent: (location, body) =>
      write(location, body, async (ready, path) => {
        try {
          await link(ready, path);
          return true;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
          throw error;
        }
      }),

    async *list(bucket, prefix, { startAfter = "" } = {}) {
      for await (const { key, path } of listFolder(await requireBucket(bucket), prefix, startAfter)) {
        const summary = await summarise(key, path);
        if (summary) yield summary;
      }
    },

    delete: remove,

    async *listVersions(bucket, prefix) {
      for await (const { key, path } of listFolder(await requireBucket(bucket), prefix, "")) {
        const summary = await summarise(key, path);
        if (summary) yield { key, versionId: undefined, modifiedAtMs: summary.modifiedAtMs };
      }
    },

    deleteVersion: (bucket, { key }) => remove({ bucket, key }),

    async ensureBucket(bucket) {
      const folder = folderOf(bucket);
      if (folder === undefined) throw new FruitstreamError("invalid-config", `no bucket can be called "${bucket}"`);
      await mkdir(folder, { recursive: true }).catch((error) => {
        throw toFileError(error, folder, "write");
      });
    },

    close() {},
  };
}

/** Etags by path, for as long as the file is the same. */
class EtagCache {
  readonly #known = new Map<string, { readonly stamp: string; readonly etag: string }>();

  async of(path: string, { ino, size, mtimeNs, ctimeNs }: BigIntStats): Promise<string> {
    const stamp = [ino, size, mtimeNs, ctimeNs].join();
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.etag;
    const etag = await etagOfFile(path);
    this.#known.set(path, { stamp, etag });
    if (this.#known.size > ETAGS_KEPT_MAX) this.#known.delete(this.#known.keys().next().value!);
    return etag;
  }
}

function isBucketName(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/i.test(bucket);
}

function isKey(key: string): boolean {
  const keyBytes = Buffer.byteLength(key);
  return keyBytes >= 1 && keyBytes <= KEY_BYTES_MAX;
}

async function writeThrough(path: string, body: Uint8Array): Promise<void> {
  await using file = await open(path, "wx");
  await file.writeFile(body);
  await file.sync();
}

/** Without it a power cut may take the name of a file that is on the disk. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder);
  await handle.sync();
}

function toWriteError(error: unknown, location: ObjectLocation, path: string): unknown {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (!["EISDIR", "ENOTDIR", "EEXIST", "ENOTEMPTY"].includes(code)) return toFileError(error, path, "write");
  const problem = `${formatS3Uri(location)} can't be written: one key would be the folder of another at ${path}`;
  return new FruitstreamError("invalid-config", problem, { cause: error });
}
