import { resolve } from "node:path";
import { Command } from "commander";
import { drawSamples } from "#demo/photos/draw-samples.ts";
import { FRUIT_KINDS } from "#demo/photos/fruit-kinds.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

/** More would be a thousand seconds of drawing and gigabytes of files: a slip of the keyboard, not a sample. */
const COUNT_MAX = 100_000;
/** Below, no fruit can be told from another. */
const SIDE_PX_MIN = 32;
/** The longer side of a 12-megapixel phone photo. */
const SIDE_PX_MAX = 4_032;
const SEED_MAX = 2 ** 32 - 1;

/** `fruitstream sample`: a labelled set of drawn fruit, for trying everything else without photos of one's own. */
export function sampleCommand(): Command {
  return withJson(new Command("sample"))
    .description(`draw a labelled set of synthetic photos: ${FRUIT_KINDS.length} kinds of fruit`)
    .requiredOption("--out <folder>", "where to put <Kind> (synthetic)/<photo>.jpg; an empty or a new folder")
    .option("--count <n>", "number of photos, evenly over the kinds", wholeNumberOption(1, COUNT_MAX), 240)
    .option("--seed <n>", "the same seed draws the same photos", wholeNumberOption(0, SEED_MAX), 1)
    .option("--size <px>", "width and height of a photo", wholeNumberOption(SIDE_PX_MIN, SIDE_PX_MAX), 160)
    .action(runSample);
}

interface SampleFlags extends OutputFlags {
  readonly out: string;
  readonly count: number;
  readonly seed: number;
  readonly size: number;
}

async function runSample({ out, count, seed, size, json }: SampleFlags): Promise<void> {
  const folder = resolve(out);
  const line = new StatusLine(systemClock);
  const startedAtMs = systemClock.nowMs();
  let drawn = 0;
  const onDrawn = (now: number) => {
    drawn = now;
    line.show(() => `${drawn} of ${count} synthetic photos`);
  };
  await interruptible(async (signal) => {
    await drawSamples({ folder, count, seed, sidePx: size }, signal, onDrawn);
  });
  line.end("");
  const seconds = (systemClock.nowMs() - startedAtMs) / 1_000;
  const kinds = Math.min(drawn, FRUIT_KINDS.length);
  if (json) printJson({ photos: drawn, kinds, folder, seconds });
  else print(`${drawn} synthetic photos of ${kinds} kinds of fruit in ${folder}, in ${seconds.toFixed(1)} s`);
}
