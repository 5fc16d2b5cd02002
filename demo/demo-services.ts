import { join } from "node:path";
import { toEnv } from "#lib/runtime/config.ts";
import { ServiceProcess } from "#ops/services/service-process.ts";
import { type FeaturizerWorkConfig, featurizerConfig } from "#services/featurizer/config.ts";
import { type ReducerWorkConfig, reducerConfig } from "#services/reducer/config.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import type { DemoOptions } from "./demo-options.ts";

/** Starts a demo's featurizers and reducers. Once the signal aborts, those that end are not started again. */
export function startServices(
  options: DemoOptions,
  endpoints: StackEndpoints,
  config: DemoServicesConfig,
  logFolder: string,
  onEvent: (line: string) => void,
  signal: AbortSignal,
): ServiceProcess[] {
  const environments = {
    featurizer: toEnv(featurizerConfig, { ...endpoints, ...config.featurizer, httpPort: 0 }),
    reducer: toEnv(reducerConfig, { ...endpoints, ...config.reducer, httpPort: 0 }),
  };
  const start = (kind: keyof typeof environments, index: number) => {
    const name = `${kind}-${index + 1}`;
    const entry = `services/${kind}/main.ts`;
    const logPath = join(logFolder, `${name}.log`);
    return new ServiceProcess({ name, entry, env: environments[kind], logPath, onEvent, signal });
  };
  return [
    ...Array.from({ length: options.reducers }, (_, index) => start("reducer", index)),
    ...Array.from({ length: options.featurizers }, (_, index) => start("featurizer", index)),
  ];
}

/** What the services of a demo are told, whatever the environment says. */
export interface DemoServicesConfig {
  readonly featurizer: Partial<FeaturizerWorkConfig>;
  readonly reducer: Partial<ReducerWorkConfig>;
}

/** A killed process is missed soon, so that its partitions don't wait half a minute for their next owner. */
const SESSION_MS = 10_000;

/** A demo's own topics, groups and table, and delays that suit someone who waits. */
export function demoServicesConfig(options: DemoOptions, id: string, tableUri: string): DemoServicesConfig {
  const groups = groupsOf(id);
  const common = { topicPrefix: `${id}.`, sessionMs: SESSION_MS };
  return {
    featurizer: { ...common, modelDir: options.model, group: groups.featurizers, commitMs: 200 },
    reducer: { ...common, tableUri, group: groups.reducers, components: options.components, windowMsMax: 1_000 },
  };
}

/** The consumer groups of a demo. */
export function groupsOf(id: string) {
  return { featurizers: `${id}.featurizers`, reducers: `${id}.reducers` };
}
