import type { LogRecord } from "#lib/log/record-log.ts";
import { deadLetterReasonOf, fateOf } from "#lib/runtime/errors.ts";
import { deadLetterCodec, deadLetterMarkCodec } from "./avro/avro-codec.ts";
import type { DeadLetter, DeadLetterMark } from "./messages.ts";

/** A letter must fit where its record did, with room for what it adds; Kafka's default bound is 1 MiB. */
const ORIGINAL_BYTES_MAX = 512 * 1_024;
/** The key travels twice, in the letter and as the key of its record. Keys of ours have 1 KiB at most. */
const ORIGINAL_KEY_BYTES_MAX = 16 * 1_024;
const DETAIL_CHARACTERS_MAX = 4_096;

/** What is known of a record beside the record itself. */
export interface DeadLetterContext {
  /** Empty where the record could not be read and the service has no run of its own. */
  readonly run: string;
  readonly uri: string | null;
  readonly traceparent: string | null;
  readonly nowMs: number;
}

/**
 * The dead letter of a record that failed with an error whose fate is `dead-letter`. It carries the record's own bytes,
 * except when they are too many for a record: then its source position is where to find them.
 */
export function deadLetterOf(record: LogRecord, error: Error, context: DeadLetterContext): DeadLetter {
  const { run, uri, traceparent, nowMs } = context;
  const key = withinBound(record.key, ORIGINAL_KEY_BYTES_MAX);
  const value = withinBound(record.value, ORIGINAL_BYTES_MAX);
  const isCut = key !== record.key || value !== record.value;
  const detail = error.message.slice(0, DETAIL_CHARACTERS_MAX);
  return {
    run,
    sourceTopic: record.topic,
    sourcePartition: record.partition,
    sourceOffset: record.offset,
    reason: deadLetterReasonOf(error)!,
    detail: isCut ? `${detail}; the record is too large for a letter, read it at its source position` : detail,
    uri,
    failedAtMs: nowMs,
    originalKey: key,
    originalValue: value,
    traceparent,
  };
}

function withinBound(bytes: Uint8Array | null, bytesMax: number): Uint8Array | null {
  return bytes && bytes.byteLength > bytesMax ? null : bytes;
}

/** What a record of the topic of dead letters holds: a letter, or a mark that settles an earlier one. */
export type DeadLetterRecord =
  | { readonly kind: "letter"; readonly letter: DeadLetter }
  | { readonly kind: "mark"; readonly mark: DeadLetterMark };

/** @throws poison-message when the bytes are neither. */
export function decodeDeadLetterRecord(bytes: Uint8Array | null): DeadLetterRecord {
  if (deadLetterMarkCodec.recognises(bytes)) return { kind: "mark", mark: deadLetterMarkCodec.decode(bytes) };
  return { kind: "letter", letter: deadLetterCodec.decode(bytes) };
}

/** What is decoded, or undefined where the bytes can't be. @throws what is no fault of the bytes. */
export function unlessPoison<Decoded>(decode: () => Decoded): Decoded | undefined {
  try {
    return decode();
  } catch (error) {
    if (fateOf(error) === "dead-letter") return undefined;
    throw error;
  }
}
