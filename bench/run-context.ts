import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import type { BenchContext } from "./bench.ts";
import { BenchStack } from "./pipeline/bench-stack.ts";

export type ContextOptions = Pick<BenchContext, "photosFolder" | "isPhotosFolderGiven" | "modelFolder" | "extent">;

/** What the benches of one run share. */
export interface RunContext {
  readonly context: BenchContext;
  /** After a failure: the logs stay, and the next bench gets a new stack, since the old one may be what failed. */
  renew(): Promise<void>;
  /** Takes down the stack, and removes the logs unless something failed. */
  close(): Promise<void>;
}

export async function openRunContext(options: ContextOptions, signal: AbortSignal): Promise<RunContext> {
  const model = await loadModelFolder(options.modelFolder);
  const workFolder = await mkdtemp(join(tmpdir(), "fruitstream-bench-"));
  const tell = (line: string) => console.error(`${new Date().toISOString().slice(11, 19)}  ${line}`);
  let stack: Promise<BenchStack> | undefined;
  let hasFailed = false;
  const closeStack = async () => {
    const opened = await stack?.catch(() => undefined);
    stack = undefined;
    await opened?.close();
  };
  return {
    context: {
      ...options,
      model,
      cores: availableParallelism(),
      workFolder,
      signal,
      stack: () => {
        stack ??= BenchStack.open(tell);
        return stack;
      },
      tell,
    },
    async renew() {
      hasFailed = true;
      tell(`what was started has its logs in ${workFolder}`);
      await closeStack();
    },
    async close() {
      await closeStack();
      if (!hasFailed) await rm(workFolder, { recursive: true, force: true });
    },
  };
}
