import { stat } from "node:fs/promises";
import { PhotoFault } from "./photo-fault.ts";

/** A camera or a download that is still writing ends soon, or the photo is for the next run. */
const READS_MAX = 3;

/**
 * Reads a file so that nothing has written to it meanwhile, as far as size and time of change tell: half an old photo and
 * half a new one would be a photo that nobody took.
 *
 * @throws PhotoFault when it changed each time; what the reading throws.
 */
export async function readSteady<Result>(path: string, read: () => Promise<Result>): Promise<Result> {
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const before = await stampOf(path);
    const result = await read();
    if ((await stampOf(path)) === before) return result;
  }
  throw new PhotoFault(path, `it changed while it was read, ${READS_MAX} times; run the command again later`);
}

async function stampOf(path: string): Promise<string | undefined> {
  const stats = await stat(path, { bigint: true }).catch(() => undefined);
  return stats && [stats.ino, stats.size, stats.mtimeNs].join();
}
