import { join } from "node:path";
import { ServiceProcess } from "#ops/services/service-process.ts";
import type { DemoOptions } from "./run-demo.ts";

/** Starts a demo's featurizers and reducers. Once the signal aborts, those that end are not started again. */
export function startServices(
  options: DemoOptions,
  env: Record<string, string>,
  logFolder: string,
  onEvent: (line: string) => void,
  signal: AbortSignal,
): ServiceProcess[] {
  const start = (kind: string, index: number) => {
    const name = `${kind}-${index + 1}`;
    const entry = `services/${kind}/main.ts`;
    const logPath = join(logFolder, `${name}.log`);
    return new ServiceProcess({ name, entry, env, logPath, onEvent, signal });
  };
  return [
    ...Array.from({ length: options.reducers }, (_, index) => start("reducer", index)),
    ...Array.from({ length: options.featurizers }, (_, index) => start("featurizer", index)),
  ];
}

/** What the services of a demo read: its own topics, groups and table, and delays that suit someone who waits. */
export function serviceEnvironment(options: DemoOptions, id: string, tableUri: string) {
  const groups = groupsOf(id);
  return {
    TOPIC_PREFIX: `${id}.`,
    TABLE_URI: tableUri,
    HTTP_PORT: "0",
    FEATURIZER_MODEL_DIR: options.model,
    FEATURIZER_GROUP: groups.featurizers,
    FEATURIZER_COMMIT_MS: "200",
    // A killed process is missed soon, so that its partitions don't wait half a minute for their next owner.
    FEATURIZER_SESSION_MS: "10000",
    REDUCER_GROUP: groups.reducers,
    REDUCER_COMPONENTS: String(options.components),
    REDUCER_SESSION_MS: "10000",
    REDUCER_WINDOW_MS_MAX: "1000",
  };
}

/** The consumer groups of a demo. */
export function groupsOf(id: string) {
  return { featurizers: `${id}.featurizers`, reducers: `${id}.reducers` };
}
