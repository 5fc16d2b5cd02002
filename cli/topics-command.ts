import { Command, InvalidArgumentError } from "commander";
import { readConfig } from "#lib/runtime/config.ts";
import { openTable } from "#lib/table/open-table.ts";
import { formatTableUri, parseTableUri } from "#lib/table/table-location.ts";
import { STALL_SECONDS } from "#ops/flush/flush-table.ts";
import { withPipelineAccess } from "#ops/pipeline/pipeline-access.ts";
import { findTableUri, TABLE_BY_DEFAULT } from "#ops/services/find-table-uri.ts";
import { adoptTopics } from "#ops/topics/adopt-topics.ts";
import { type ResizedTopic, resizeTopics } from "#ops/topics/resize-topics.ts";
import { type ShownTopic, showTopics } from "#ops/topics/show-topics.ts";
import type { TopicsDeps } from "#ops/topics/topics-deps.ts";
import { featurizerConfig, featurizerGroup } from "#services/featurizer/config.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

const PARTITIONS_MAX = 10_000;

/** `fruitstream topics show|resize|adopt`: the topics that a table is made from. */
export function topicsCommand(): Command {
  const command = new Command("topics").description("show, resize or adopt the topics that a table is made from");
  onTable(command.command("show"))
    .description("print the partitions and ids of the topics, and what the table says of them")
    .action((flags: TableFlags) => withTopics(flags, async (deps) => show(await showTopics(deps), flags)));
  changing(command.command("resize"))
    .description("add partitions to the topics of photos and vectors; stop the featurizers first, reducers stay")
    .requiredOption("--partitions <n>", "a multiple of the present number", wholeNumberOption(2, PARTITIONS_MAX))
    .option("--only <topic>", "photos or features: resize one of them", onlyTopic)
    .option(
      "--timeout <seconds>",
      "give up when the table stands still for so long",
      wholeNumberOption(1, 86_400),
      STALL_SECONDS,
    )
    .action(runResize);
  changing(command.command("adopt"))
    .description("have the table go on with copies of its topics that have kept every offset, as on another cluster")
    .action((flags: ChangeFlags) => withTopics(flags, (deps) => adopt(deps, flags)));
  return command;
}

interface TableFlags extends OutputFlags {
  readonly table?: string;
}

interface ChangeFlags extends TableFlags {
  readonly dryRun: boolean;
}

interface ResizeFlags extends ChangeFlags {
  readonly partitions: number;
  readonly only?: "photos" | "features";
  readonly timeout: number;
}

function onTable(command: Command): Command {
  return withJson(command).option("--table <uri>", `s3://bucket/prefix of the table; ${TABLE_BY_DEFAULT}`);
}

function changing(command: Command): Command {
  return onTable(command).option("--dry-run", "check everything and change nothing", false);
}

function onlyTopic(text: string): "photos" | "features" {
  if (text === "photos" || text === "features") return text;
  throw new InvalidArgumentError("must be photos or features");
}

async function withTopics(
  { table: named }: TableFlags,
  work: (deps: TopicsDeps, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const location = parseTableUri(await findTableUri(named, cliDeps));
  const { topicPrefix, group } = featurizerConfig;
  const featurizers = featurizerGroup(readConfig({ topicPrefix, group }, cliDeps.env));
  await interruptible((signal) =>
    withPipelineAccess("topics", cliDeps, async ({ topics, admin, producer, store }) => {
      const table = await openTable(store, location);
      const { note } = cliDeps;
      await work({ topics, admin, producer, table, featurizerGroup: featurizers, note }, signal);
    }),
  );
}

function show(topics: readonly ShownTopic[], { json }: TableFlags): void {
  if (json) {
    printJson({ topics });
    return;
  }
  for (const { topic, partitions, records, id, tablePartitions, isOfTable } of topics) {
    const exists = partitions === null ? "there is no such topic" : `${partitions} partitions, ${records} records`;
    const counted =
      tablePartitions === null ? "the table says nothing of it" : `the table counts on ${tablePartitions}`;
    const same = { true: "and was made from it", false: "and was made from another", null: "" }[`${isOfTable}`];
    print(`${topic.padEnd(16)} ${exists}${id === null ? "" : `, id ${id}`}; ${counted} ${same}`.trimEnd());
  }
}

async function runResize(flags: ResizeFlags): Promise<void> {
  const { partitions, only, timeout, dryRun } = flags;
  const options = {
    partitions,
    topics: only === undefined ? (["features", "photos"] as const) : [only],
    isDryRun: dryRun,
    stallSeconds: timeout,
  };
  await withTopics(flags, async (deps, signal) => report(await resizeTopics(deps, options, signal), deps, flags));
}

function report(resized: readonly ResizedTopic[], { table }: TopicsDeps, { json, dryRun }: ResizeFlags): void {
  if (json) {
    printJson({ table: formatTableUri(table.location), dryRun, topics: resized });
    return;
  }
  for (const { topic, before, after } of resized) {
    if (before === after) print(`${topic.padEnd(16)} has ${after} partitions already`);
    else print(`${topic.padEnd(16)} ${dryRun ? "would go" : "went"} from ${before} to ${after} partitions`);
  }
  if (!dryRun) print("featurizers may be started again");
}

async function adopt(deps: TopicsDeps, { json, dryRun }: ChangeFlags): Promise<void> {
  const topics = await adoptTopics(deps, dryRun);
  if (json) {
    printJson({ table: formatTableUri(deps.table.location), dryRun, topics });
    return;
  }
  for (const { topic, id, wasKnown } of topics) {
    const verb = dryRun ? "would go on" : "goes on";
    print(`${topic.padEnd(16)} ${wasKnown ? "is the table's own" : `the table ${verb} with it, id ${id}`}`);
  }
}
