import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Environment, readConfig, setting, someText, wholeNumber } from "#lib/runtime/config.ts";

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

const port = wholeNumber(1, 65_535);

/** The environment variables of the local stack. */
export const stackConfig = {
  stackDir: setting(
    "FRUITSTREAM_STACK_DIR",
    someText
      .optional()
      .describe(
        "folder with the local stack's data, logs and state; by default `.stack` in a checkout, and of an installed " +
          "package `fruitstream/stack` in `$XDG_STATE_HOME`, else in `~/.local/state`",
      ),
  ),
  cacheDir: setting(
    "FRUITSTREAM_CACHE_DIR",
    someText
      .optional()
      .describe("folder with the servers' programs; by default `fruitstream` in `$XDG_CACHE_HOME`, else in `~/.cache`"),
  ),
  kafkaPort: setting("FRUITSTREAM_KAFKA_PORT", port.default(19_092).describe("port of the local Kafka")),
  kafkaControllerPort: setting(
    "FRUITSTREAM_KAFKA_CONTROLLER_PORT",
    port.default(19_093).describe("port that the local Kafka has for itself"),
  ),
  s3Port: setting("FRUITSTREAM_S3_PORT", port.default(19_000).describe("port of the local S3")),
};

/**
 * Reads the settings from the environment: `stackConfig` says which, and what holds without them.
 *
 * @throws invalid-config when a port is none, or a name is no setting.
 */
export function readStackSettings(env: Environment): StackSettings {
  const { stackDir, cacheDir, ...ports } = readConfig(stackConfig, env);
  const cacheHome = env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return {
    stateDir: resolve(stackDir ?? defaultStateDir(env)),
    cacheDir: resolve(cacheDir ?? join(cacheHome, "fruitstream")),
    ...ports,
  };
}

/** A checkout runs TypeScript. What is installed may not be writable, and goes with the next version. */
function defaultStateDir(env: Environment): string {
  if (import.meta.url.endsWith(".ts")) return fileURLToPath(new URL("../.stack", import.meta.url));
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "fruitstream", "stack");
}
