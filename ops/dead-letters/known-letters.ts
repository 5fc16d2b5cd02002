import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { readKnownPhotos } from "#lib/table/known-photos.ts";
import type { MessageAccess } from "#ops/pipeline/pipeline-access.ts";
import type { LetterTest } from "./letter-filter.ts";
import type { PlacedLetter } from "./placed-letter.ts";
import { readLetters } from "./read-letters.ts";

/**
 * Tells of letters whether the table has a row of their photo version in the live run, by whichever announcement. A retry
 * of such a letter adds no row, unless its model is another than the row's.
 *
 * Reads the letters once, and of the table two columns of the files that may have photos of theirs.
 *
 * @param admits the letters that will be asked about.
 * @throws invalid-table or not-found when a data file can't be read.
 */
export async function findKnownLetters(
  access: MessageAccess,
  table: DeltaTable,
  admits: LetterTest,
): Promise<LetterTest> {
  let prefix: string | undefined;
  await readLetters(access, (placed, outcome) => {
    const path = outcome || !admits(placed) ? undefined : versionOf(placed)?.path;
    if (path !== undefined) prefix = commonPrefix(prefix ?? path, path);
  });
  if (prefix === undefined) return () => false;
  await table.advance();
  const known = await readKnownPhotos(table, LIVE_RUN, prefix);
  return (placed) => {
    const version = versionOf(placed);
    return version !== undefined && known.has(version);
  };
}

/** Undefined for what says of no photo version, such as a record that can't be read. */
function versionOf({ letter }: PlacedLetter): { path: string; etag: string } | undefined {
  const { uri, originalValue } = letter;
  if (uri === null || originalValue === null) return undefined;
  try {
    const { etag } = photoArrivedCodec.decode(originalValue);
    return etag ? { path: uri, etag } : undefined;
  } catch {
    return undefined;
  }
}

function commonPrefix(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
