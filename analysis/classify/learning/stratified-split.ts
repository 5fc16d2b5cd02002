import { Random } from "#lib/runtime/random.ts";
import { shuffle } from "./shuffle.ts";

/** What a row is for. */
export type Part = "train" | "test";

/** Indices of rows: each row is in one of the two, or in none. */
export interface Split {
  /** By class, in a random order within each: the first rows of a class are a random sample of it. */
  readonly trainByClass: ReadonlyMap<string, readonly number[]>;
  readonly test: readonly number[];
}

/**
 * Splits rows so that every class is divided alike: of a class with n rows ⌊trainShare · n⌉ are for training. A class
 * with at least two rows has at least one in both parts; the only row of a class is for training.
 *
 * Depends on the seed, a class's name and the order of its rows, not on the other classes: a class is divided in the
 * same way whatever it is compared with.
 *
 * @param labels of the rows.
 * @param trainShare above 0 and below 1.
 */
export function splitStratified(labels: readonly string[], trainShare: number, seed: number): Split {
  const indicesByClass = Map.groupBy(labels.keys(), (index) => labels[index]!);
  const trainByClass = new Map<string, readonly number[]>();
  const test: number[] = [];
  for (const [label, indices] of indicesByClass) {
    const shuffled = shuffle(indices, new Random(seed ^ hashOf(label)));
    const trainCount = Math.max(1, Math.min(indices.length - 1, Math.round(indices.length * trainShare)));
    trainByClass.set(label, shuffled.slice(0, trainCount));
    test.push(...shuffled.slice(trainCount));
  }
  return { trainByClass, test };
}

/**
 * The split that somebody has decided row by row; a row without a part is in none of the two. The seed puts the training
 * rows of each class into a random order.
 */
export function splitAsGiven(labels: readonly string[], parts: readonly (Part | undefined)[], seed: number): Split {
  const indices = [...labels.keys()];
  const training = Map.groupBy(
    indices.filter((index) => parts[index] === "train"),
    (index) => labels[index]!,
  );
  const trainByClass = new Map(
    [...training].map(([label, rows]) => [label, shuffle(rows, new Random(seed ^ hashOf(label)))] as const),
  );
  return { trainByClass, test: indices.filter((index) => parts[index] === "test") };
}

/** A part of the training rows with the same share of every class, rounded up; larger shares contain smaller ones. */
export function trainingPart({ trainByClass }: Split, share = 1): number[] {
  return [...trainByClass.values()].flatMap((indices) => indices.slice(0, Math.ceil(indices.length * share)));
}

/** FNV-1a over UTF-16 units: gives each class a sequence of its own. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
