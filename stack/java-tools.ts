import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Environment } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** Kafka 4 and S3Proxy 4 are compiled for it. */
const JAVA_VERSION_MIN = 17;

const OWN_STACK_HINT = "or set KAFKA_BROKERS and S3_ENDPOINT to use servers of your own";

const execFileAsync = promisify(execFile);

/**
 * The `java` program to use: that of `JAVA_HOME` when it is set, else the one on the path.
 *
 * @throws stack-unavailable when there is none, or when it is older than Java 17.
 */
export async function findJava(env: Environment): Promise<string> {
  const java = env.JAVA_HOME ? join(env.JAVA_HOME, "bin", "java") : "java";
  const version = await javaVersion(java);
  if (version === undefined) {
    const message = `${java} doesn't run; install Java ${JAVA_VERSION_MIN} or newer (Debian: openjdk-17-jre-headless, Homebrew: openjdk), ${OWN_STACK_HINT}`;
    throw new FruitstreamError("stack-unavailable", message);
  }
  if (version < JAVA_VERSION_MIN) {
    const message = `${java} is Java ${version}; install Java ${JAVA_VERSION_MIN} or newer and point JAVA_HOME at it, ${OWN_STACK_HINT}`;
    throw new FruitstreamError("stack-unavailable", message);
  }
  return java;
}

/** The major version in what `java -version` prints, or undefined when there is none: `"1.8.0_292"` is 8, `"21"` is 21. */
export function parseJavaVersion(text: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  if (first === undefined) return undefined;
  return first === "1" && second !== undefined ? Number(second) : Number(first);
}

/**
 * Runs Maven to its end.
 *
 * @throws stack-unavailable when Maven isn't installed, or with its first error when it fails.
 */
export async function runMaven(args: readonly string[]): Promise<void> {
  try {
    await execFileAsync("mvn", args, { maxBuffer: 64 * 1024 * 1024 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      const message = `mvn isn't on the path; install Maven (Debian: maven, Homebrew: maven), ${OWN_STACK_HINT}`;
      throw new FruitstreamError("stack-unavailable", message, { cause });
    }
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    const reason = `${stdout}\n${stderr}`.split("\n").find((line) => line.includes("ERROR")) ?? String(cause);
    throw new FruitstreamError("stack-unavailable", `mvn ${args.join(" ")} failed: ${reason.trim()}`, { cause });
  }
}

async function javaVersion(java: string): Promise<number | undefined> {
  const result = await execFileAsync(java, ["-version"]).catch(() => undefined);
  return result && parseJavaVersion(result.stderr + result.stdout);
}
