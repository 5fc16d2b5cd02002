import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import type { BenchContext } from "../bench.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const REQUIREMENTS = join(HERE, "requirements.txt");
const OUTPUT_BYTES_MAX = 64 * 2 ** 20;
/** Written when everything is installed, so that an environment whose download was cut off is made anew. */
const COMPLETE = ".complete";
const execFileAsync = promisify(execFile);

/** A Python with the peers' packages. */
export interface Python {
  /**
   * Runs a script of this folder and gives the JSON of its last line, with how long the whole process took.
   *
   * @throws usage with the script's last words when it fails.
   */
  run(script: string, args: readonly string[]): Promise<{ output: unknown; seconds: number }>;
}

/**
 * The environment for the packages in `requirements.txt`, made in the cache folder when there is none (a gigabyte).
 *
 * @returns why there is none, as a sentence's end, when Python or a package is missing.
 */
export async function findPython({ tell, signal, workFolder }: BenchContext): Promise<Python | string> {
  const hash = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex")
    .slice(0, 12);
  const folder = join(readStackSettings(process.env).cacheDir, `bench-peers-${hash}`);
  if (!existsSync(join(folder, COMPLETE))) {
    tell(`peers: installing their Python packages into ${folder} (1 GB, once)`);
    const problem = await install(folder, signal);
    if (problem !== undefined) return problem;
  }
  const python = join(folder, "bin", "python");
  return { run: (script, args) => runScript(python, join(HERE, script), args, workFolder, signal) };
}

async function install(folder: string, signal: AbortSignal): Promise<string | undefined> {
  const step = (program: string, args: readonly string[]) =>
    execFileAsync(program, [...args], { signal, maxBuffer: OUTPUT_BYTES_MAX });
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    await step(process.env.FRUITSTREAM_PYTHON || "python3", ["-m", "venv", folder]);
    await step(join(folder, "bin", "python"), ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]);
    await writeFile(join(folder, COMPLETE), "");
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") return "Python is missing";
    return `their Python packages can't be installed: ${stderr?.trim().split("\n").at(-1) || String(error)}`;
  }
}

async function runScript(
  python: string,
  script: string,
  args: readonly string[],
  workFolder: string,
  signal: AbortSignal,
) {
  const startedAtMs = performance.now();
  const env = {
    ...process.env,
    // Spark's own processes must find the modules beside the scripts, and this very Python.
    PYTHONPATH: HERE,
    PYSPARK_PYTHON: python,
    PYTHONDONTWRITEBYTECODE: "1",
    SPARK_LOCAL_IP: "127.0.0.1",
    TMPDIR: workFolder,
    // One thread a process, as many processes as cores: for every runtime here faster than the other way round.
    OMP_NUM_THREADS: "1",
    CUDA_VISIBLE_DEVICES: "-1",
    TF_CPP_MIN_LOG_LEVEL: "3",
  };
  const options = { env, signal, cwd: workFolder, maxBuffer: OUTPUT_BYTES_MAX };
  const { stdout } = await execFileAsync(python, [script, ...args], options).catch((cause) => {
    signal.throwIfAborted();
    const reason = cause.stderr?.trim().split("\n").at(-1) || String(cause);
    throw new FruitstreamError("usage", `${script} failed: ${reason}`, { cause });
  });
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return { output: JSON.parse(stdout.trim().split("\n").at(-1)!) as unknown, seconds };
}
