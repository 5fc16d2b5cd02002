import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Part } from "./learning/stratified-split.ts";

/**
 * A split by where photos lie, as data sets with a `Training` and a `Test` folder have it. A prefix is a folder below the
 * one that all photos of the table have in common, or a whole URI. With one of the two, all other rows are the other part.
 */
export interface PathSplit {
  readonly trainPrefix?: string | undefined;
  readonly testPrefix?: string | undefined;
}

/**
 * What each row is for; undefined for a row that lies below neither prefix.
 *
 * @param paths of the rows that are classified.
 * @param root the folder that all photos of the table lie in, as `commonFolder` finds it.
 * @throws usage when a row lies below both prefixes, or no row below one of them.
 */
export function partsByPath(paths: readonly string[], root: string, split: PathSplit): (Part | undefined)[] {
  const isTraining = belowTest(split.trainPrefix, root);
  const isTest = belowTest(split.testPrefix, root);
  const parts = paths.map((path): Part | undefined => {
    const [training, test] = [isTraining?.(path) ?? !isTest?.(path), isTest?.(path) ?? !isTraining?.(path)];
    if (training && test) throw new FruitstreamError("usage", `${path} lies below --train-prefix and --test-prefix`);
    return training ? "train" : test ? "test" : undefined;
  });
  for (const [option, prefix, part] of [
    ["--train-prefix", split.trainPrefix, "train"],
    ["--test-prefix", split.testPrefix, "test"],
  ] as const) {
    if (prefix === undefined || parts.includes(part)) continue;
    const problem = `no row that is classified lies below ${option} "${prefix}"; all photos lie in ${root}`;
    throw new FruitstreamError("usage", `${problem}, and a prefix is a folder in it or a whole URI`);
  }
  return parts;
}

/** The folder that two paths have in common, with its slash; start with a path's own folder. */
export function commonFolder(folder: string | undefined, path: string): string {
  if (folder === undefined) return path.slice(0, path.lastIndexOf("/") + 1);
  let common = folder;
  while (!path.startsWith(common)) common = common.slice(0, common.lastIndexOf("/", common.length - 2) + 1);
  return common;
}

/** Undefined without a prefix. A folder's name is whole: `Test` is not the beginning of `Tests`. */
function belowTest(prefix: string | undefined, root: string): ((path: string) => boolean) | undefined {
  if (prefix === undefined) return undefined;
  const whole = prefix.includes("://") ? prefix : `${root}${prefix.replace(/^\//, "")}`;
  const folder = whole.endsWith("/") ? whole : `${whole}/`;
  return (path) => path.startsWith(folder);
}
