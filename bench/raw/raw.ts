import { defaultOf } from "#lib/runtime/config.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { summariseBy } from "../measure/statistics.ts";
import { barChart } from "../report/charts.ts";
import { measureRaw, type RawFigure, type RawLayout } from "./raw-limit.ts";

/** Batches that are tried. Larger ones no longer fit into a core's cache with their activations. */
const BATCHES = [1, 2, 4, 8, 16];
const LOOK_MS = 1_000;

/** The limit of everything else: ONNX Runtime alone on all cores. */
export const rawBench: Bench = {
  name: "raw",
  title: "Raw: ONNX Runtime alone",
  async run(context) {
    const rounds = sized(context, { full: 5, usual: 3, quick: 1 });
    const roundMs = sized(context, { full: 2_000, usual: 1_500, quick: 500 });
    const layouts = layoutsOf(context);
    const sides = Object.fromEntries(
      layouts.map((layout) => [nameOf(layout), () => measureRaw(context.model, { ...layout, durationMs: roundMs })]),
    ) as Record<string, () => Promise<RawFigure>>;
    const results = await interleave(rounds, sides, (side, round) => context.tell(`raw: ${side}, round ${round}`));

    const rows = Object.entries(results).map(([name, figures]) => ({
      name,
      photosPerSecond: summariseBy(figures, (figure) => figure.photosPerSecond),
      cpuMs: summariseBy(figures, (figure) => figure.cpuMsPerPhoto),
    }));
    const best = rows.toSorted((a, b) => b.photosPerSecond.median - a.photosPerSecond.median)[0]!;
    return {
      method: `The network of ${context.model.id} and nothing else: sessions of ONNX Runtime on ${context.cores} cores, each computing one batch in memory again and again for ${roundMs / 1_000} s a round. Its best line is the limit of the whole pipeline.`,
      tables: [
        {
          caption: "Sessions and their threads on all cores, by batch.",
          columns: ["sessions × threads, batch", "photos/s", "CPU-ms per photo"],
          rows: rows.map(({ name, photosPerSecond, cpuMs }) => [name, photosPerSecond, cpuMs]),
        },
      ],
      plots: [
        {
          name: "raw",
          caption: "Photos per second by batch",
          spec: barChart(
            "ONNX Runtime alone",
            "photos/s",
            rows.map(({ name, photosPerSecond }) => ({ name, value: photosPerSecond.median })),
          ),
        },
      ],
      notes: [`Best: ${best.name}.`],
    };
  },
};

/** The layout to compare with: the fastest of a short look at all of them. */
export async function findBestLayout(context: BenchContext): Promise<RawLayout & { readonly name: string }> {
  let best: { layout: RawLayout; photosPerSecond: number } | undefined;
  for (const layout of layoutsOf(context)) {
    const { photosPerSecond } = await measureRaw(context.model, { ...layout, durationMs: LOOK_MS });
    if (!best || photosPerSecond > best.photosPerSecond) best = { layout, photosPerSecond };
  }
  return { ...best!.layout, name: nameOf(best!.layout) };
}

/** The featurizer's own batch. */
export const FEATURIZER_BATCH_PHOTOS = defaultOf(featurizerConfig.batchPhotosMax);

function layoutsOf({ cores }: BenchContext): RawLayout[] {
  const perCore = BATCHES.map((batchPhotos) => ({ sessions: cores, threadsPerSession: 1, batchPhotos }));
  return [...perCore, { sessions: 1, threadsPerSession: cores, batchPhotos: FEATURIZER_BATCH_PHOTOS }];
}

function nameOf({ sessions, threadsPerSession, batchPhotos }: RawLayout): string {
  return `${sessions} × ${threadsPerSession}, batch ${batchPhotos}`;
}
