import { formatLetter, formatLine } from "#cli/format-letter.ts";
import { deadLetterCodec } from "#lib/messages/avro/avro-codec.ts";
import { deadLetterOf, decodeDeadLetterRecord } from "#lib/messages/dead-letter.ts";
import { PcaError } from "#lib/pca/pca-error.ts";
import { type FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { Random } from "#lib/runtime/random.ts";
import type { CaseResult } from "./case-result.ts";
import { mutate } from "./mutate.ts";
import { READERS, type Reader } from "./record-readers.ts";
import { encodedSamples } from "./record-samples.ts";

/** A record that takes more CPU time holds up everything else in its process. */
const TURN_MS_MAX = 200;
/** What Kafka takes by default, with room for the frame of a batch. */
const LETTER_BYTES_MAX = 1_000_000;

export interface RecordCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly reader: Reader;
}

/** The mutated record of a case and who reads it; the same number makes the same bytes. */
export function recordOfCase(number: number): RecordCase {
  const random = new Random(number);
  const name = random.pick(Object.keys(READERS));
  const reader = READERS[name]!;
  const samples = reader.samples ?? encodedSamples;
  const original = samples(random);
  const others = Array.from({ length: 2 }, () => encodedSamples(random));
  const bytes = random.chance(0.1) ? Buffer.from(original) : mutate(random, original, others);
  return { name, bytes: reader.mend?.(bytes, random) ?? bytes, reader };
}

/** Reads it as the service does. A problem is what is neither taken nor a dead letter that can be written and read. */
export function tryRecord({ bytes, reader }: RecordCase): CaseResult {
  const start = performance.now();
  const cpuStart = process.threadCpuUsage();
  const { outcome, problem } = judge(bytes, reader);
  const { user, system } = process.threadCpuUsage(cpuStart);
  const [ms, turnMs] = [performance.now() - start, (user + system) / 1_000];
  const slowness = turnMs > TURN_MS_MAX ? `it held the main thread for ${Math.round(turnMs)} ms` : undefined;
  return { outcome, problem: problem ?? slowness, ms, turnMs };
}

function judge(bytes: Uint8Array, reader: Reader): Pick<CaseResult, "outcome" | "problem"> {
  try {
    reader.read(bytes);
    return { outcome: "record", problem: undefined };
  } catch (error) {
    if (error instanceof PcaError && reader.throwsPcaError) return { outcome: error.code, problem: undefined };
    if (fateOf(error) === "dead-letter") return letterOf(bytes, error as FruitstreamError);
    return { outcome: "thrown", problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** The letter of a record must come back from its own topic as it was, and be shown to a person. */
function letterOf(bytes: Uint8Array, error: FruitstreamError): Pick<CaseResult, "outcome" | "problem"> {
  const record = { topic: "photos", partition: 0, offset: 7, key: bytes.subarray(0, 16), value: bytes, timestampMs: 1 };
  const letter = deadLetterOf(record, error, { run: "live", uri: null, traceparent: null, nowMs: 1 });
  const encoded = deadLetterCodec.encode(letter);
  const read = decodeDeadLetterRecord(encoded);
  const isSame = read.kind === "letter" && read.letter.reason === error.code && read.letter.detail === letter.detail;
  const isFitting = encoded.byteLength <= LETTER_BYTES_MAX;
  formatLine({ partition: 0, offset: 1, letter }, undefined);
  formatLetter({ partition: 0, offset: 1, letter }, undefined);
  const problem = isSame && isFitting ? undefined : `its letter has ${encoded.byteLength} bytes and reads differently`;
  return { outcome: error.code, problem };
}
