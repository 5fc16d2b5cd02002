import { Command } from "commander";
import { DEFAULT_TABLE_URI, type RunningPipeline, startPipeline } from "#ops/services/start-pipeline.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";
import { print, tell } from "./output.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

interface UpFlags {
  readonly featurizers: number;
  readonly reducers: number;
  readonly model: string;
  readonly table: string;
}

/** `fruitstream up`: the whole pipeline on this machine, until Ctrl-C. */
export function upCommand(): Command {
  const { env } = cliDeps;
  return new Command("up")
    .description("run Kafka, S3 and all services on this machine until Ctrl-C; KAFKA_BROKERS names other servers")
    .option("--featurizers <n>", "featurizer processes", wholeNumberOption(1, 64), 1)
    .option("--reducers <n>", "reducer processes", wholeNumberOption(1, 64), 1)
    .option(
      "--model <model>",
      "model folder, or the name of a model that comes with it (default: FEATURIZER_MODEL_DIR, else fruitnet)",
    )
    .option("--table <uri>", `s3://bucket/prefix of the table (default: TABLE_URI, else ${DEFAULT_TABLE_URI})`)
    .action(async (flags: Partial<UpFlags> & Pick<UpFlags, "featurizers" | "reducers">) => {
      const model = flags.model ?? (env.FEATURIZER_MODEL_DIR || "fruitnet");
      const tableUri = flags.table ?? (env.TABLE_URI || DEFAULT_TABLE_URI);
      await interruptible((signal) => run({ ...flags, model, tableUri }, signal));
      // That is how it ends in order; a second Ctrl-C does not come here.
      process.exitCode = 0;
    });
}

async function run(options: Parameters<typeof startPipeline>[0], signal: AbortSignal): Promise<void> {
  signal.addEventListener("abort", () => tell("stopping; Ctrl-C again ends everything at once"));
  const pipeline = await startPipeline(options, cliDeps, signal);
  try {
    print(describePipeline(pipeline));
    const interrupted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    if (!signal.aborted) await Promise.race([interrupted, pipeline.failure]);
  } finally {
    await pipeline.stop();
  }
}

function describePipeline({ endpoints, model, tableUri, ingestUrl, logFolder }: RunningPipeline): string {
  return `
Kafka   ${endpoints.kafkaBrokers.join(",")}
S3      ${endpoints.s3Endpoint ?? `AWS, region ${endpoints.s3Region}`}
ingest  ${ingestUrl}
model   ${model}
table   ${tableUri}
logs    ${logFolder}

everything is ready; in another terminal:
  fruitstream ingest upload <folder>          photos of a folder; curl -T photo.jpg ${ingestUrl}/v1/photos/<label>/photo.jpg
  fruitstream status                          how far they are
  fruitstream table show                      what is in the table
Ctrl-C stops what was started here`;
}
