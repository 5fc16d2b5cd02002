import { join } from "node:path";
import { parseTableUri } from "#lib/table/table-location.ts";
import { serviceEnvironment } from "#ops/services/service-environment.ts";
import type { ServiceOptions } from "#ops/services/service-process.ts";
import { type ServiceGroup, startServiceGroup } from "#ops/services/service-process.ts";
import type { FeaturizerWorkConfig } from "#services/featurizer/config.ts";
import type { ReducerWorkConfig } from "#services/reducer/config.ts";
import type { StackEndpoints } from "#stack/endpoints.ts";
import type { DemoOptions, DemoPlace } from "./demo-options.ts";

/** Starts a demo's featurizers and reducers. Once the signal aborts, those that end are not started again. */
export function startServices(place: DemoPlace, endpoints: StackEndpoints, config: DemoServicesConfig): ServiceGroup {
  const { options, env, logFolder, note: onRestart, signal } = place;
  const environments = {
    featurizer: serviceEnvironment("featurizer", env, { ...endpoints, ...config.featurizer, httpPort: 0 }),
    reducer: serviceEnvironment("reducer", env, { ...endpoints, ...config.reducer, httpPort: 0 }),
  };
  const several = (kind: keyof typeof environments, count: number) =>
    Array.from({ length: count }, (_, index): ServiceOptions => {
      const name = `${kind}-${index + 1}`;
      return { name, kind, env: environments[kind], log: join(logFolder, `${name}.log`), onRestart, signal };
    });
  return startServiceGroup([...several("reducer", options.reducers), ...several("featurizer", options.featurizers)]);
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
    featurizer: {
      ...common,
      modelDir: options.model,
      buckets: [parseTableUri(tableUri).bucket],
      group: groups.featurizers,
      commitMs: 200,
    },
    reducer: { ...common, tableUri, group: groups.reducers, components: options.components, windowMsMax: 1_000 },
  };
}

/** The consumer groups of a demo. */
export function groupsOf(id: string) {
  return { featurizers: `${id}.featurizers`, reducers: `${id}.reducers` };
}
