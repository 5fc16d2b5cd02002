import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Environment, readConfig, wholeNumber } from "#lib/runtime/config.ts";

/** Where the local stack keeps its parts and on which ports of 127.0.0.1 it listens. Folders are absolute. */
export interface StackSettings {
  /** Data, logs and the record of the running processes. */
  readonly stateDir: string;
  /** The servers' jars, shared by all stacks of this user, and the lock under which stacks are changed. */
  readonly cacheDir: string;
  readonly kafkaPort: number;
  readonly kafkaControllerPort: number;
  readonly s3Port: number;
}

/** The environment variables that set the ports; error messages name them. */
export const PORT_SETTINGS = {
  kafkaPort: "FRUITSTREAM_KAFKA_PORT",
  kafkaControllerPort: "FRUITSTREAM_KAFKA_CONTROLLER_PORT",
  s3Port: "FRUITSTREAM_S3_PORT",
} as const satisfies Partial<Record<keyof StackSettings, string>>;

const port = wholeNumber(1, 65_535);

const shape = {
  FRUITSTREAM_STACK_DIR: z.string().optional(),
  FRUITSTREAM_CACHE_DIR: z.string().optional(),
  [PORT_SETTINGS.kafkaPort]: port.default(19_092),
  [PORT_SETTINGS.kafkaControllerPort]: port.default(19_093),
  [PORT_SETTINGS.s3Port]: port.default(19_000),
};

/**
 * Reads the settings from the environment: `FRUITSTREAM_STACK_DIR` (default: `.stack` in the project),
 * `FRUITSTREAM_CACHE_DIR` (default: `fruitstream` in `$XDG_CACHE_HOME`, else in `~/.cache`) and the three ports.
 *
 * @throws invalid-config when a port is none.
 */
export function readStackSettings(env: Environment): StackSettings {
  const config = readConfig(shape, env, "FRUITSTREAM_STACK_");
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return {
    stateDir: resolve(config.FRUITSTREAM_STACK_DIR ?? fileURLToPath(new URL("../.stack", import.meta.url))),
    cacheDir: resolve(config.FRUITSTREAM_CACHE_DIR ?? join(cacheHome, "fruitstream")),
    kafkaPort: config.FRUITSTREAM_KAFKA_PORT,
    kafkaControllerPort: config.FRUITSTREAM_KAFKA_CONTROLLER_PORT,
    s3Port: config.FRUITSTREAM_S3_PORT,
  };
}
