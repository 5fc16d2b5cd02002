import { deadLetterCodec, deadLetterMarkCodec } from "./avro/avro-codec.ts";
import type { DeadLetter, DeadLetterMark } from "./messages.ts";

/** What a record of the topic of dead letters holds: a letter, or a mark that settles an earlier one. */
export type DeadLetterRecord =
  | { readonly kind: "letter"; readonly letter: DeadLetter }
  | { readonly kind: "mark"; readonly mark: DeadLetterMark };

/** @throws poison-message when the bytes are neither. */
export function decodeDeadLetterRecord(bytes: Uint8Array | null): DeadLetterRecord {
  if (deadLetterMarkCodec.recognises(bytes)) return { kind: "mark", mark: deadLetterMarkCodec.decode(bytes) };
  return { kind: "letter", letter: deadLetterCodec.decode(bytes) };
}
