import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { loadModelFolder } from "#lib/model/model-folder.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";
import { endpointsFromEnv, type StackEndpoints } from "#stack/endpoints.ts";
import { stackDown, stackUp } from "#stack/local-stack.ts";
import { readStackSettings, type StackSettings } from "#stack/stack-settings.ts";
import { removeRunningServices, writeRunningServices } from "./running-services.ts";
import { type ServiceKind, serviceEnvironment } from "./service-environment.ts";
import { type ServiceGroup, type ServiceOptions, startServiceGroup } from "./service-process.ts";

/** Where the table is when nobody says: the place that docker-compose.yml has too. */
export const DEFAULT_TABLE_URI = "s3://tables/features";

export interface PipelineOptions {
  readonly featurizers: number;
  readonly reducers: number;
  /** A model's folder or name. */
  readonly model: string;
  readonly tableUri: string;
}

/** A pipeline at work: Kafka, S3 and all services. */
export interface RunningPipeline {
  readonly endpoints: StackEndpoints;
  /** The model's id. */
  readonly model: string;
  readonly tableUri: string;
  readonly ingestUrl: string;
  /** Has a log file for each service. */
  readonly logFolder: string;
  /** Rejects when a service can't be kept running. */
  readonly failure: Promise<never>;
  /** Stops the services, and the local stack if it was started here. */
  stop(): Promise<void>;
}

/**
 * Starts an ingest service, featurizers, reducers and a maintainer, on the servers that the environment names or on the local stack,
 * which is started when it doesn't run. A service that dies is started again.
 *
 * @returns once all are ready. @throws usage, invalid-model, stack-unavailable, or the signal's reason; what was started
 * is then stopped again.
 */
export async function startPipeline(
  options: PipelineOptions,
  deps: OpsDeps,
  signal: AbortSignal,
): Promise<RunningPipeline> {
  const { env, note } = deps;
  parseTableUri(options.tableUri);
  const model = await loadModelFolder(options.model);
  const settings = readStackSettings(env);
  const named = endpointsFromEnv(env);
  const { endpoints, startedHere } = named ? { endpoints: named, startedHere: false } : await stackUp(settings, note);
  const logFolder = join(settings.stateDir, "logs");
  let group: ServiceGroup | undefined;
  const stop = async () => {
    await group?.stop();
    await removeRunningServices(settings.stateDir);
    if (!startedHere) return;
    note("stopping the local stack, since it was started here");
    await stackDown(settings);
  };
  try {
    signal.throwIfAborted();
    await mkdir(logFolder, { recursive: true });
    group = startServiceGroup(servicesOf(options, endpoints, settings, logFolder, deps, signal));
    const { ready, failure } = group;
    await Promise.race([ready, failure, rejectionAt(signal)]);
    const ingestUrl = group.services[0]!.url!;
    return { endpoints, model: model.id, tableUri: options.tableUri, ingestUrl, logFolder, failure, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The ingest service comes first. Where they answer is noted whenever one has been started. */
function servicesOf(
  { featurizers, reducers, model, tableUri }: PipelineOptions,
  endpoints: StackEndpoints,
  { stateDir }: StackSettings,
  logFolder: string,
  { env, note }: OpsDeps,
  signal: AbortSignal,
): ServiceOptions[] {
  const urls = new Map<string, string>();
  const inTurn = pLimit(1);
  const noteRunning = () => {
    const services = [...urls].sort().map(([name, url]) => ({ name, url }));
    // What can't be noted only keeps `status` from asking the services.
    void inTurn(() => writeRunningServices(stateDir, { tableUri, services })).catch((error) => note(String(error)));
  };
  const service = (name: string, kind: ServiceKind, environment: ServiceOptions["env"]): ServiceOptions => ({
    ...{ name, kind, env: environment, signal, onRestart: note },
    log: join(logFolder, `${name}.log`),
    onMessage: (message) => {
      if (message.kind !== "listening" || signal.aborted) return;
      urls.set(name, message.url);
      noteRunning();
    },
  });
  const reducer = serviceEnvironment("reducer", env, { ...endpoints, tableUri, httpPort: 0 });
  const maintainer = serviceEnvironment("maintainer", env, { ...endpoints, tableUri, httpPort: 0 });
  const featurizer = serviceEnvironment("featurizer", env, { ...endpoints, modelDir: model, httpPort: 0 });
  return [
    service("ingest", "ingest", serviceEnvironment("ingest", env, endpoints)),
    ...Array.from({ length: reducers }, (_, index) => service(`reducer-${index + 1}`, "reducer", reducer)),
    service("maintainer", "maintainer", maintainer),
    ...Array.from({ length: featurizers }, (_, index) => service(`featurizer-${index + 1}`, "featurizer", featurizer)),
  ];
}

function rejectionAt(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  promise.catch(() => undefined);
  return promise;
}
