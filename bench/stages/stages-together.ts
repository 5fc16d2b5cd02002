import type { StoredPhoto } from "#lib/intake/announce-photo.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { BenchContext } from "../bench.ts";
import { measureThroughput, type Throughput } from "../end-to-end/measure-throughput.ts";
import { readUse } from "../measure/process-meter.ts";
import type { BenchService } from "../pipeline/bench-service.ts";
import { cpuMsPerPhoto, type FeaturizerCpu, readFeaturizerCpu } from "./featurizer-cpu.ts";

/** CPU-ms per photo of a featurizer under full load, with the throughput of the run it was taken from. */
export interface StagesTogether extends Omit<FeaturizerCpu, "photos"> {
  readonly sum: number;
  /** The process's CPU time as the system counts it, which the sum is to equal. */
  readonly process: number;
  readonly throughput: Throughput;
}

export interface TogetherOptions {
  readonly photos: readonly StoredPhoto[];
  readonly count: number;
  readonly warmUpPhotos: number;
}

/** Runs the whole pipeline over photos and takes the featurizer's CPU time apart. */
export async function measureStagesTogether(context: BenchContext, options: TogetherOptions): Promise<StagesTogether> {
  const readings: FeaturizerCpu[] = [];
  const uses: number[] = [];
  const observe = async ([featurizer]: readonly BenchService[]) => {
    readings.push(await readFeaturizerCpu(featurizer!));
    uses.push((await readUse({ featurizer: [featurizer!.pid] })).featurizer!.cpuSeconds);
  };
  const throughput = await measureThroughput(context, { ...options, name: "stages", observe });
  const [before, after] = readings as [FeaturizerCpu, FeaturizerCpu];
  if (after.photos <= before.photos) {
    const problem = "no photo was published between the looks at the featurizer";
    throw new FruitstreamError("usage", `${problem}; announce more than ${options.count}`);
  }
  const { photos: _photos, ...stages } = cpuMsPerPhoto(before, after);
  const sum = Object.values(stages).reduce((total, ms) => total + ms, 0);
  const process = (1_000 * (uses[1]! - uses[0]!)) / (after.photos - before.photos);
  return { ...stages, sum, process, throughput };
}
