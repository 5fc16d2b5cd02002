import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

/** A file's SHA-256 in lower-case hex, read in pieces: model files may be half a gigabyte. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}
