/**
 * A file's `stats` from what a checkpoint has of them as columns (`stats_parsed`), so that nothing else has to know that
 * there are two forms. Bounds that JSON or a number here can't hold exactly are left out, which readers allow for.
 */
export function statisticsFromStruct(struct: Readonly<Record<string, unknown>>): string {
  const { numRecords, minValues, maxValues, nullCount, tightBounds } = struct;
  return JSON.stringify({ numRecords, minValues, maxValues, nullCount, tightBounds }, (_, value: unknown) =>
    isExact(value) ? value : undefined,
  );
}

/** Decimals and bytes come as arrays; null says that there is no bound. Times are texts by now, by their `toJSON`. */
function isExact(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) || (Number.isFinite(value) && value % 1 !== 0);
  if (value === null || ArrayBuffer.isView(value) || Array.isArray(value)) return false;
  return true;
}
