import { type Bench, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summarise, summariseBy } from "../measure/statistics.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { readSample, uploadPhotos } from "../pipeline/photo-sample.ts";
import { FEATURIZER_BATCH_PHOTOS } from "../raw/raw.ts";
import { measureRaw } from "../raw/raw-limit.ts";
import { barChart } from "../report/charts.ts";
import { measureStagesAlone, type StagesAlone } from "./stages-alone.ts";
import { measureStagesTogether, type StagesTogether } from "./stages-together.ts";

/** Where a photo's CPU time goes. */
export const stagesBench: Bench = {
  name: "stages",
  title: "Stages: where a photo's CPU time goes",
  async run(context) {
    const { store } = await context.stack();
    const photos = await uploadPhotos(store, "stages", await readSample(context.photosFolder));
    const count = sized(context, { full: 2_400, usual: 1_600, quick: 300 });
    const warmUpPhotos = sized(context, { full: 400, usual: 400, quick: 50 });
    const scratch = await BenchPipeline.open(context, { name: "stages-alone", partitions: 1 });
    const layout = { sessions: context.cores, threadsPerSession: 1, batchPhotos: FEATURIZER_BATCH_PHOTOS };
    const rounds = await interleave(
      sized(context, { full: 3, usual: 3, quick: 1 }),
      {
        together: () => measureStagesTogether(context, { photos, count, warmUpPhotos }),
        alone: () => measureStagesAlone(context, scratch, photos),
        raw: () =>
          measureRaw(context.model, {
            ...layout,
            durationMs: sized(context, { full: 3_000, usual: 3_000, quick: 500 }),
          }),
      },
      (side, round) => context.tell(`stages: ${side}, round ${round}`),
    );
    const together = (name: Exclude<keyof StagesTogether, "throughput">) =>
      summariseBy(rounds.together, (round) => round[name]);
    const alone = (name: keyof StagesAlone) => summariseBy(rounds.alone, (round) => round[name]);
    const raw = summariseBy(rounds.raw, (round) => round.cpuMsPerPhoto);
    const decodeAndResize = rounds.together.map(({ decode, resize }) => decode + resize);
    const share = rounds.together.map(({ process }, index) => process / rounds.raw[index]!.cpuMsPerPhoto);
    const stages = [
      ["fetch, publish, order, offsets (rest of the event loop)", together("clients"), undefined],
      ["– fetch", undefined, alone("fetch")],
      ["– publish", undefined, alone("publish")],
      ["decode (event loop, libvips)", together("decode"), alone("decode")],
      ["resize, scaling, layout (inference threads)", together("resize"), alone("resize")],
      ["network (inference threads)", together("infer"), alone("infer")],
      ["rest of the inference threads", together("inferenceRest"), undefined],
      ["encode", together("encode"), alone("encode")],
      ["V8's own threads", together("engine"), undefined],
    ] as const;
    return {
      method: `CPU-ms per photo. "In the pipeline": one featurizer under full load, from ${warmUpPhotos} vectors on until the last of ${count} photos are under way; resize, network and encode as the service's own metric says, threads as the system counts them. Only resize, network, encode and the event loop's part of decode are timed; the other stages are remainders, what their threads have used less what is timed on them. That the stages add up to the process therefore checks nothing but that no thread is missed or counted twice. "Alone": each stage by itself over the sample's ${photos.length} photos in the bench's process, with the featurizer's code and bounds. In turns, with ONNX Runtime alone.`,
      tables: [
        {
          caption: "Stages.",
          columns: ["stage", "in the pipeline", "alone"],
          rows: [
            ...stages,
            ["sum of the stages", together("sum"), undefined],
            ["the featurizer's process, as the system counts it", together("process"), undefined],
            ["for comparison: ONNX Runtime alone", undefined, raw],
          ],
        },
        {
          caption: "Against the limit.",
          columns: ["figure", "value", "unit"],
          rows: [
            ["decode + resize", summarise(decodeAndResize), "CPU-ms per photo"],
            ["featurizer / ONNX Runtime alone", summarise(share), "ratio of CPU"],
          ],
        },
      ],
      plots: [
        {
          name: "stages",
          caption: "CPU of the featurizer per photo by stage",
          spec: barChart(
            "CPU of the featurizer per photo",
            "ms",
            stages.flatMap(([name, cpu]) => (cpu ? [{ name, value: cpu.median }] : [])),
          ),
        },
      ],
      notes: [],
    };
  },
};
