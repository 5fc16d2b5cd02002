import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { tell } from "./output.ts";

/** What operations are given by the command line: this process's environment, and standard error for notes. */
export const cliDeps: OpsDeps = { env: process.env, note: tell };
