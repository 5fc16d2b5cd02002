import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { runName } from "#lib/messages/message-bounds.ts";
import { LIVE_RUN } from "#lib/messages/messages.ts";
import { findModelFolder } from "#lib/model/model-places.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { type PipelineAccess, withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import type { OnReplayProgress } from "#ops/replay/replay-counts.ts";
import { unaccountedOf } from "#ops/replay/replay-counts.ts";
import { replayFeatures } from "#ops/replay/replay-features.ts";
import { type PhotoReplay, replayPhotos } from "#ops/replay/replay-photos.ts";
import { parseBound, type ReplayBound } from "#ops/replay/replay-range.ts";
import { findTableUri, TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";
import { cliDeps } from "./cli-deps.ts";
import { EXIT } from "./exit-code.ts";
import { formatCounts } from "./format-counts.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";

/** `fruitstream replay`: photos again as a new run, or a table anew from its vectors. */
export function replayCommand(): Command {
  return withJson(new Command("replay"))
    .description("process photos again as a run of their own, or rebuild a table from vectors")
    .addOption(
      new Option("--topic <topic>", "photos: another run beside the live one; features: a table without inference")
        .choices(["photos", "features"])
        .makeOptionMandatory(),
    )
    .option("--run <name>", "photos: name of the run; one that was interrupted continues")
    .option(
      "--model <folder>",
      "photos: model folder, or the name of a model that comes with the project; FEATURIZER_MODEL_DIR by default",
    )
    .option("--share <part>", "photos: share of this machine's cores that may be used", share, 0.5)
    .option("--table <uri>", `s3://bucket/prefix of the table; for photos ${TABLE_BY_DEFAULT}`)
    .option(
      "--from <bound>",
      "earliest, an ISO time, or partition:offset,… (default: earliest, or where an interrupted run stopped)",
    )
    .option("--to <bound>", "an ISO time, or partition:offset,…, exclusive (default: the current end)")
    .option("--log-file <path>", "append the log of the featurizer or reducer to this file")
    .action(runReplay);
}

interface ReplayFlags extends OutputFlags {
  readonly topic: "photos" | "features";
  readonly run?: string;
  readonly model?: string;
  readonly share: number;
  readonly table?: string;
  readonly from?: string;
  readonly to?: string;
  readonly logFile?: string;
}

async function runReplay(flags: ReplayFlags): Promise<void> {
  const bounds = {
    from: flags.from === undefined ? undefined : parseBound(flags.from, "--from"),
    to: flags.to === undefined ? undefined : parseBound(flags.to, "--to"),
    logFile: flags.logFile && resolve(flags.logFile),
  };
  const replay = flags.topic === "photos" ? await photoReplay(flags, bounds) : vectorReplay(flags, bounds);
  const what = flags.topic === "photos" ? "photos" : "vectors";
  const line = new StatusLine(systemClock);
  const onProgress: OnReplayProgress = ({ done, total }) =>
    line.show(() => `${done}/${total} ${what} (${Math.floor((100 * done) / total)} %) replayed`);
  const startedAtMs = Date.now();
  const counts = await interruptible((signal) =>
    withPipelineAccess("replay", cliDeps, (access) => replay(access, signal, onProgress))
      .catch((error) => {
        if (signal.aborted) tell("to go on, run the same command again");
        throw error;
      })
      .finally(() => line.end("")),
  );
  if (!counts) return;
  const unaccounted = unaccountedOf(counts);
  const seconds = (Date.now() - startedAtMs) / 1_000;
  const { rows: rowsAdded, ...others } = counts;
  if (flags.json) printJson({ topic: flags.topic, ...others, rowsAdded, unaccounted, seconds });
  else print(`${formatCounts(what, counts)}\n${seconds.toFixed(1)} s`);
  if (unaccounted !== 0) process.exitCode = EXIT.failed;
  else if (counts.deadLetters > 0) process.exitCode = EXIT.deadLetters;
}

interface Bounds {
  readonly from: ReplayBound | undefined;
  readonly to: ReplayBound | undefined;
  readonly logFile: string | undefined;
}

/** What a replay of photos is told. @throws usage with the option that is missing or wrong. */
export async function photoReplayOf(
  flags: Pick<ReplayFlags, "run" | "model" | "share" | "table">,
  bounds: Bounds,
  deps: OpsDeps,
): Promise<PhotoReplay> {
  const { model = deps.env.FEATURIZER_MODEL_DIR, share: part } = flags;
  if (!model) throw new FruitstreamError("usage", "which model? name its folder with --model");
  return {
    ...bounds,
    run: requireRun(flags.run),
    modelFolder: resolve(findModelFolder(model)),
    tableUri: await findTableUri(flags.table, deps),
    share: part,
  };
}

async function photoReplay(flags: ReplayFlags, bounds: Bounds) {
  const replay = await photoReplayOf(flags, bounds, cliDeps);
  return (access: PipelineAccess, signal: AbortSignal, onProgress: OnReplayProgress) =>
    replayPhotos(access, replay, signal, onProgress);
}

function vectorReplay(flags: ReplayFlags, bounds: Bounds) {
  const { run, model, table } = flags;
  if (run !== undefined || model !== undefined) {
    throw new FruitstreamError("usage", "--run and --model are for --topic photos; vectors carry theirs");
  }
  if (!table)
    throw new FruitstreamError("usage", "--topic features needs --table s3://bucket/prefix, the table to build");
  return (access: PipelineAccess, signal: AbortSignal, onProgress: OnReplayProgress) =>
    replayFeatures(access, { ...bounds, tableUri: table }, signal, onProgress);
}

function requireRun(run: string | undefined): string {
  if (run === undefined) throw new FruitstreamError("usage", "which run? name it with --run");
  if (run === LIVE_RUN)
    throw new FruitstreamError("usage", `"${LIVE_RUN}" is the run of photos that arrive; name another`);
  const checked = runName.safeParse(run);
  if (checked.success) return checked.data;
  throw new FruitstreamError("usage", `--run ${checked.error.issues[0]!.message}, got "${run}"`);
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("must be above 0 and at most 1");
}
