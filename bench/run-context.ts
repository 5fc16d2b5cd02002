import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { loadModelFolder } from "../lib/model/model-folder.ts";
import type { BenchContext } from "./bench.ts";
import { BenchStack } from "./pipeline/bench-stack.ts";

export interface ContextOptions {
  readonly photos: string;
  readonly model: string;
  readonly quick: boolean;
}

/**
 * Gives the benches what they work with, and takes it down again: the stack if one of them has started it, and the
 * folder with the logs, which stays when something failed.
 */
export async function withBenchContext(
  { photos, model, quick }: ContextOptions,
  signal: AbortSignal,
  work: (context: BenchContext) => Promise<void>,
): Promise<void> {
  const workFolder = await mkdtemp(join(tmpdir(), "fruitstream-bench-"));
  const tell = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`);
  let stack: Promise<BenchStack> | undefined;
  const context: BenchContext = {
    photosFolder: photos,
    modelFolder: model,
    model: await loadModelFolder(model),
    cores: availableParallelism(),
    isQuick: quick,
    workFolder,
    signal,
    stack: () => {
      stack ??= BenchStack.open(tell);
      return stack;
    },
    tell,
  };
  try {
    await work(context);
    await rm(workFolder, { recursive: true, force: true });
  } catch (error) {
    if (!signal.aborted) tell(`what was started has its logs in ${workFolder}`);
    throw error;
  } finally {
    await (await stack?.catch(() => undefined))?.close();
  }
}
