import { FruitstreamError } from "#lib/runtime/errors.ts";
import { unseenCharacterOf } from "./photo-label.ts";

/** `/v1/photos/{label}/{name}`. */
export interface PhotoPath {
  readonly label: string;
  readonly name: string;
}

/** Object stores on file systems take at most 255 bytes a name, and some append to it while they write. */
const SEGMENT_BYTES_MAX = 200;

/** They would make other folders. */
const SLASHES = /[/\\]/;

/**
 * Reads label and name from a request's target, percent-decoded; undefined for another path.
 *
 * @throws usage with what is wrong about label or name.
 */
export function parsePhotoPath(target: string): PhotoPath | undefined {
  const [path = ""] = target.split("?", 1);
  const [, label, name] = /^\/v1\/photos\/([^/]*)\/([^/]*)$/.exec(path) ?? [];
  if (label === undefined || name === undefined) return undefined;
  return { label: readSegment("label", label), name: readSegment("name", name) };
}

function readSegment(what: "label" | "name", encoded: string): string {
  const text = decode(what, encoded);
  const bytes = Buffer.byteLength(text);
  if (text === "") throw refused(what, "must not be empty", text);
  if (text === "." || text === "..") throw refused(what, "must not be a relative folder", text);
  if (SLASHES.test(text)) throw refused(what, "must not hold slashes or backslashes", text);
  const unseen = unseenCharacterOf(text);
  if (unseen !== undefined) throw refused(what, `must not hold ${unseen}, a character that can't be seen`, text);
  if (bytes > SEGMENT_BYTES_MAX) {
    throw refused(what, `has ${bytes} bytes in UTF-8, more than ${SEGMENT_BYTES_MAX}`, `${text.slice(0, 32)}…`);
  }
  return text;
}

function decode(what: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw refused(what, "must be percent-encoded UTF-8", encoded, cause);
  }
}

function refused(what: string, why: string, value: string, cause?: unknown): FruitstreamError {
  return new FruitstreamError("usage", `the ${what} ${why}, got ${JSON.stringify(value)}`, { cause });
}
