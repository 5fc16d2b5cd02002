/** What stands for the records of a batch that cannot be read begins so; no message of ours does. */
const PREFIX = "unreadable record batch: ";

/** The value of the record that stands for all records of such a batch. */
export function unreadableBatch(why: string): Buffer {
  return Buffer.from(PREFIX + why);
}

/** What such a value says; undefined of any other. */
export function unreadableBatchOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 1_024)).toString();
  return text.startsWith(PREFIX) ? text : undefined;
}
