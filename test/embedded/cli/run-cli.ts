import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PROJECT_ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CLI = fileURLToPath(new URL("../../../cli/fruitstream.ts", import.meta.url));

export interface CliRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `fruitstream` as a process of its own, away from whatever servers this machine's environment names. */
export async function runCli(
  args: readonly string[],
  change: Record<string, string> = {},
  cwd = PROJECT_ROOT,
): Promise<CliRun> {
  const env = { ...process.env, TABLE_URI: "", KAFKA_BROKERS: "", S3_ENDPOINT: "", ...change };
  const options = { cwd, env, maxBuffer: 64 * 1_048_576 };
  return promisify(execFile)(process.execPath, [CLI, ...args], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}
