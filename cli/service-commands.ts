import { Command } from "commander";
import { requireEndpoints } from "#ops/pipeline/endpoints.ts";
import { runServiceInForeground } from "#ops/services/run-service.ts";
import type { ServiceConfig, ServiceKind } from "#ops/services/service-environment.ts";
import { cliDeps } from "./cli-deps.ts";
import { interruptible } from "./interruption.ts";

/** `fruitstream featurizer`: one featurizer in the foreground. */
export function featurizerCommand(): Command {
  return new Command("featurizer")
    .description("run one featurizer until Ctrl-C; its settings come from the environment (fruitstream config)")
    .option(
      "--model <model>",
      "model folder, or the name of a model that comes with it; FEATURIZER_MODEL_DIR by default",
    )
    .action(({ model }: { model?: string }) =>
      runForeground("featurizer", model === undefined ? {} : { modelDir: model }),
    );
}

/** `fruitstream reducer`: one reducer in the foreground. */
export function reducerCommand(): Command {
  return new Command("reducer")
    .description("run one reducer until Ctrl-C; its settings come from the environment (fruitstream config)")
    .option("--table <uri>", "s3://bucket/prefix of the table; TABLE_URI by default")
    .action(({ table }: { table?: string }) =>
      runForeground("reducer", table === undefined ? {} : { tableUri: table }),
    );
}

/** `fruitstream maintainer`: one maintainer in the foreground. */
export function maintainerCommand(): Command {
  return new Command("maintainer")
    .description("keep the table well until Ctrl-C: compact, drop repeats, clean the log, vacuum (fruitstream config)")
    .option("--table <uri>", "s3://bucket/prefix of the table; TABLE_URI by default")
    .action(({ table }: { table?: string }) =>
      runForeground("maintainer", table === undefined ? {} : { tableUri: table }),
    );
}

/** `fruitstream ingest serve`: the ingest service in the foreground. */
export function serveCommand(): Command {
  return new Command("serve")
    .description("take photos over HTTP until Ctrl-C; its settings come from the environment (fruitstream config)")
    .action(() => runForeground("ingest", {}));
}

/** On the servers that the environment names, or the local stack's. To be interrupted is how a service ends in order. */
async function runForeground<Kind extends ServiceKind>(kind: Kind, config: Partial<ServiceConfig<Kind>>) {
  const endpoints = await requireEndpoints(cliDeps.env);
  await interruptible((signal) => runServiceInForeground(kind, { ...endpoints, ...config }, cliDeps, signal));
  process.exitCode = 0;
}
