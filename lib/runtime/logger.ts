import pino from "pino";
import { z } from "zod";
import { type ConfigOf, type Environment, readConfig, setting } from "./config.ts";

/**
 * A structured logger. Levels mean:
 * - error: data is at risk or an operator must act;
 * - warn: something failed and the service mends it itself (a retry, a dead letter, a fenced window);
 * - info: a change of state worth a line a minute at most (started, assigned, committed, stopped);
 * - debug: a step of the work.
 */
export type Logger = Pick<pino.Logger, "error" | "warn" | "info" | "debug"> & {
  child(bindings: Record<string, unknown>): Logger;
};

export type LogLevel = ConfigOf<typeof logConfig>["logLevel"];

/** The environment variable that says how much is logged. Part of every service's configuration. */
export const logConfig = {
  logLevel: setting(
    "LOG_LEVEL",
    z
      .enum(["debug", "info", "warn", "error"], "must be debug, info, warn or error")
      .default("info")
      .describe("the least level that is logged: debug, info, warn or error; commands log from warn on by default"),
  ),
};

/** The level that the environment names, for a program that logs from another level on by default than services do. */
export function readLogLevel(env: Environment, byDefault: LogLevel): LogLevel {
  const { name } = logConfig.logLevel;
  return readConfig(logConfig, env, env[name] ? {} : { logLevel: byDefault }).logLevel;
}

/** Names under which credentials travel in our objects; their values never reach a log line. */
const SECRET_FIELDS = ["secretAccessKey", "accessKeyId", "password", "S3_SECRET_ACCESS_KEY", "S3_ACCESS_KEY_ID"];

/** Where a program logs whose standard output is for its results. */
export const STANDARD_ERROR = 2;

/**
 * A logger that writes one JSON object a line.
 *
 * @param destination the file that lines are appended to, or STANDARD_ERROR; standard output without it.
 */
export function createLogger(service: string, level: string, destination?: string | typeof STANDARD_ERROR): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: "[secret]" },
  };
  if (destination === undefined) return pino(options);
  return pino(options, pino.destination({ dest: destination, mkdir: true, sync: true }));
}

/** A logger that writes nothing. */
export const silentLogger: Logger = pino({ level: "silent" });
