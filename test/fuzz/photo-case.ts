import { LoopWatch } from "#bench/measure/loop-watch.ts";
import { readCaptureTime } from "#lib/photo/capture-time.ts";
import { checkPhoto, DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";
import { type FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { Random } from "#lib/runtime/random.ts";
import type { CaseResult } from "./case-result.ts";
import { mutate } from "./mutate.ts";
import type { PhotoCorpus } from "./photo-corpus.ts";

/** As for the most models; the deadline is the featurizer's by default. */
const INPUT = { width: 224, height: 224, resize: "stretch" as const };
const DECODE_MS_MAX = 30_000;
/** Two tries, and two processes to start. */
const CASE_MS_MAX = 2 * DECODE_MS_MAX + 10_000;
/** No photo may hold up a featurizer's event loop for longer, in ms of CPU. */
const TURN_MS_MAX = 50;
/** Along an axis, decode-photo.ts. */
const SIDE_MAX = 4_096;

const loop = new LoopWatch();

/** The decoder as a featurizer composes it, with one process, so that whatever ends it is this case's doing. */
export function openDecoder(): GuardedDecoder {
  const decode = { input: INPUT, limits: DEFAULT_PHOTO_LIMITS };
  return new GuardedDecoder({ decode, decodesMax: 4, processesMax: 1, decodeMsMax: DECODE_MS_MAX });
}

/** The mutated photo of a case: the same number makes the same bytes, over the same corpus. */
export function photoOfCase(corpus: PhotoCorpus, number: number): { name: string; bytes: Uint8Array } {
  const random = new Random(number);
  const { name, bytes } = corpus.pick(random);
  const others = [bytes, ...Array.from({ length: 4 }, () => corpus.pick(random).bytes)].filter(
    ({ length }) => length > 0,
  );
  return { name, bytes: mutate(random, bytes, others) };
}

/** Decodes it on the featurizer's way. A problem is whatever is neither a sound picture nor a dead letter in time. */
export async function tryPhoto(decoder: GuardedDecoder, bytes: Uint8Array): Promise<CaseResult> {
  const start = performance.now();
  loop.take();
  const judged = await decode(decoder, bytes).then(judgePhoto, judgeError);
  const [ms, turnMs] = [performance.now() - start, loop.take()];
  const problem =
    judged.problem ??
    (ms > CASE_MS_MAX ? `it took ${Math.round(ms)} ms` : undefined) ??
    (turnMs > TURN_MS_MAX ? `it held the event loop for ${Math.round(turnMs)} ms` : undefined);
  return { ...judged, problem, ms, turnMs };
}

/** A row's time comes from the same header; what can't be read of it is no fault of the picture. */
async function decode(decoder: GuardedDecoder, bytes: Uint8Array): Promise<DecodedPhoto> {
  const checked = checkPhoto(bytes, DEFAULT_PHOTO_LIMITS);
  const captured = readCaptureTime(checked.header.exif, Date.UTC(2026, 0, 1));
  if (captured && !Number.isSafeInteger(captured.ms)) throw new Error(`captured at ${captured.ms}`);
  return await decoder.decode(bytes, checked);
}

function judgePhoto(photo: DecodedPhoto): Omit<CaseResult, "ms" | "turnMs"> {
  const { pixels, width, height, photoWidth, photoHeight } = photo;
  const isSound =
    pixels.length === 3 * width * height &&
    Math.max(width, height) <= SIDE_MAX &&
    Math.min(width, height, photoWidth, photoHeight) >= 1 &&
    photoWidth * photoHeight <= DEFAULT_PHOTO_LIMITS.pixelsMax;
  const size = `${width} x ${height} of ${photoWidth} x ${photoHeight}, ${pixels.length} bytes`;
  return { outcome: "row", problem: isSound ? undefined : `no sound picture: ${size}` };
}

/** A refusal says why, of itself: no stack, no other photo, no end of text. */
function judgeError(error: unknown): Omit<CaseResult, "ms" | "turnMs"> {
  if (fateOf(error) !== "dead-letter") {
    return { outcome: "thrown", problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const { code, message } = error as FruitstreamError;
  const isTelling = message.length > 10 && message.length < 1_000 && !/\bundefined\b|unknown error/.test(message);
  return { outcome: code, detail: message, problem: isTelling ? undefined : `the refusal does not tell: ${message}` };
}
