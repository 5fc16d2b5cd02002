import { readFileSync } from "node:fs";
import type { InputGeometry } from "#lib/model/resize-geometry.ts";
import { DEFAULT_PHOTO_LIMITS } from "#lib/photo/check-photo.ts";
import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import { GuardedDecoder } from "#lib/photo/guarded-decoder.ts";
import type { FruitstreamError } from "#lib/runtime/errors.ts";
import { LoopWatch } from "../measure/loop-watch.ts";
import { childrenOf, cpuMsOf, forgetPeakRss, peakRssMiB } from "../measure/process-files.ts";

export interface DecodeJob {
  readonly path: string;
  readonly input: InputGeometry;
}

/** What one photo took. */
export interface DecodeMeasure {
  readonly photo?: DecodedPhoto;
  readonly refusal?: string;
  /** CPU time of all threads, and of the decoder process. */
  readonly cpuMs: number;
  /** CPU of the longest turn of the event loop. */
  readonly turnMs: number;
  /** Peaks while it was decoded: of this process, and of the decoder process; 0 where it was not asked. */
  readonly rssMiB: number;
  readonly decoderRssMiB: number;
}

const LOOK_MS = 20;
/** However busy the machine is, the table says what a photo takes. */
const DECODE_MS_MAX = 600_000;

let decoder: GuardedDecoder | undefined;
const loop = new LoopWatch();

/** Decodes photos as a featurizer does, one after the other, and answers with what each took. */
process.on("message", async ({ path, input }: DecodeJob) => {
  const limits = DEFAULT_PHOTO_LIMITS;
  decoder ??= new GuardedDecoder({
    decode: { input, limits },
    decodesMax: 4,
    processesMax: 1,
    decodeMsMax: DECODE_MS_MAX,
  });
  process.send!(await measure(decoder, readFileSync(path)));
});
process.on("disconnect", () => process.exit());

async function measure(guarded: GuardedDecoder, bytes: Uint8Array): Promise<DecodeMeasure> {
  const before = new Map(childrenOf(process.pid).map((pid) => [pid, cpuMsOf(pid)]));
  for (const pid of [process.pid, ...before.keys()]) forgetPeakRss(pid);
  let decoderRssMiB = 0;
  const decoderCpuMs = new Map<number, number>();
  const look = () => {
    for (const pid of childrenOf(process.pid)) {
      const cpuMs = cpuMsOf(pid) - (before.get(pid) ?? 0);
      // A process that sleeps meanwhile has done nothing for this photo.
      if (cpuMs > 0) decoderRssMiB = Math.max(decoderRssMiB, peakRssMiB(pid));
      decoderCpuMs.set(pid, Math.max(cpuMs, decoderCpuMs.get(pid) ?? 0));
    }
  };
  const looking = setInterval(look, LOOK_MS);
  loop.take();
  const cpu = process.cpuUsage();
  const outcome = await guarded.decode(bytes).then(
    (photo) => ({ photo }),
    ({ code, message }: FruitstreamError) => ({ refusal: `${code}: ${message}` }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const turnMs = loop.take();
  clearInterval(looking);
  look();
  const cpuMs = [...decoderCpuMs.values()].reduce((sum, one) => sum + one, (user + system) / 1_000);
  return { ...outcome, cpuMs, turnMs, rssMiB: peakRssMiB(process.pid), decoderRssMiB };
}
