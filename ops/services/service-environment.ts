import { type ConfigOf, type Environment, toEnv } from "#lib/runtime/config.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import { ingestConfig } from "#services/ingest/config.ts";
import { maintainerConfig } from "#services/maintainer/config.ts";
import { reducerConfig } from "#services/reducer/config.ts";

const SHAPES = {
  ingest: ingestConfig,
  featurizer: featurizerConfig,
  reducer: reducerConfig,
  maintainer: maintainerConfig,
};

export type ServiceKind = keyof typeof SHAPES;

/** What each kind of service is told, as its process reads it. */
export type ServiceConfig<Kind extends ServiceKind> = ConfigOf<(typeof SHAPES)[Kind]>;

/**
 * The environment of a service's process: the given one, with these fields in place of what it says of them.
 *
 * @throws invalid-config when a value breaks its setting's rule.
 */
export function serviceEnvironment<Kind extends ServiceKind>(
  kind: Kind,
  env: Environment,
  config: Partial<ServiceConfig<Kind>>,
): Environment {
  return { ...env, ...toEnv(SHAPES[kind], config as Partial<ConfigOf<(typeof SHAPES)[ServiceKind]>>) };
}
