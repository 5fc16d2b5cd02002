import type { LogRecord, NewRecord } from "#lib/log/record-log.ts";

const KEY = Buffer.from("fruitstream/flush");

/**
 * A record on `features` that holds no vector: a reducer that reads it commits its window at once. Being a record like
 * any other, its offset is part of that commit: once the table has it, it has everything published before it.
 */
export function flushMarker(partition: number): NewRecord {
  return { partition, key: KEY, value: new Uint8Array() };
}

/** No vector has an empty value, so none is taken for a marker, whatever its key. */
export function isFlushMarker({ key, value }: Pick<LogRecord, "key" | "value">): boolean {
  return value?.byteLength === 0 && key !== null && KEY.equals(key);
}
