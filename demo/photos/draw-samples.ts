import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { forEachBounded } from "#lib/intake/for-each-bounded.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { FRUIT_KINDS } from "./fruit-kinds.ts";
import { drawFruitPicture } from "./fruit-picture.ts";
import { DESCRIPTION, renderPhoto } from "./render-photo.ts";

export interface SampleSet {
  /** Empty or new. */
  readonly folder: string;
  readonly count: number;
  /** A whole number; the same seed draws the same set, byte for byte on one platform. */
  readonly seed: number;
  /** The photos are squares. */
  readonly sidePx: number;
}

/** libuv has four threads unless it is told otherwise; a fifth photo would only wait for one of them. */
const RENDERED_MAX = 4;

/**
 * Draws a labelled set of synthetic photos: `<folder>/<Kind> (synthetic)/synthetic-<kind>-<number>.jpg`, the kinds in
 * turns, and a README.txt that says what they are. At most four are in memory at a time.
 *
 * @param onDrawn told how many photos are written, after each one.
 * @throws usage when the folder has something in it or can't be written to; the signal's reason, once what was begun is
 * written.
 */
export async function drawSamples(
  set: SampleSet,
  signal: AbortSignal,
  onDrawn: (drawn: number) => void = () => {},
): Promise<void> {
  await prepareFolder(set);
  let drawn = 0;
  await forEachBounded(indices(set.count), RENDERED_MAX, signal, async (index) => {
    const picture = drawFruitPicture(set.seed, index);
    const photo = await renderPhoto(picture, set.sidePx);
    const path = join(set.folder, samplePath(picture.kind.name, index));
    await onDisk(set.folder, () => writeFile(path, photo));
    onDrawn(++drawn);
  });
}

/** Below the set's folder. The number counts all kinds together, from 1, so that names are unique without their folder. */
function samplePath(kind: string, index: number): string {
  return join(labelOf(kind), `synthetic-${kind.toLowerCase()}-${String(index + 1).padStart(6, "0")}.jpg`);
}

/** The folder, and so the label that every row and plot shows: nobody shall take these for photos of fruit. */
function labelOf(kind: string): string {
  return `${kind} (synthetic)`;
}

async function* indices(count: number): AsyncGenerator<number> {
  for (let index = 0; index < count; index++) yield index;
}

/** The explanation comes first, so that a set which was interrupted has one too. */
async function prepareFolder({ folder, ...set }: SampleSet): Promise<void> {
  await onDisk(folder, () => mkdir(folder, { recursive: true }));
  const [found] = await onDisk(folder, () => readdir(folder));
  if (found !== undefined) {
    throw new FruitstreamError("usage", `"${folder}" holds "${found}" already; name an empty or a new folder`);
  }
  await onDisk(folder, async () => {
    await writeFile(join(folder, "README.txt"), explanation(set));
    for (const { name } of FRUIT_KINDS.slice(0, set.count)) await mkdir(join(folder, labelOf(name)));
  });
}

async function onDisk<Result>(folder: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const problem = `can't draw into "${folder}": ${(cause as Error).message}`;
    throw new FruitstreamError("usage", `${problem}; name a folder that can be written to`, { cause });
  }
}

function explanation({ count, seed, sidePx }: Omit<SampleSet, "folder">): string {
  return `These ${count} photos are synthetic: no camera took them. They show ${FRUIT_KINDS.length} kinds of fruit, drawn and
rendered by

  fruitstream sample --count ${count} --seed ${seed} --size ${sidePx}

A photo's folder is its label. Each folder and file has "synthetic" in its name, and each file has
"${DESCRIPTION}" as the ImageDescription of its EXIF. They are for trying out the pipeline; how well a model tells them apart says nothing about
photos of real fruit.
`;
}
