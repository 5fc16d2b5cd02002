import { type ExecFileException, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { modelCacheFolder } from "#lib/model/model-places.ts";
import { setting, someText } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { withFileLock } from "#stack/file-lock.ts";

const SCRIPTS = fileURLToPath(new URL("../../models/quantize/", import.meta.url));
const REQUIREMENTS = join(SCRIPTS, "requirements.txt");

/** The environment variable of what needs Python. */
export const pythonConfig = {
  python: setting(
    "FRUITSTREAM_PYTHON",
    someText.optional().describe("Python that has the quantiser's requirements; without it one is set up in the cache"),
  ),
};

/** Packages come from PyPI: 150 MB, which a slow line takes minutes for. */
const INSTALL_WAIT_MS_MAX = 1_800_000;
const OUTPUT_BYTES_MAX = 16 * 1_048_576;

/**
 * A Python with what `models/quantize/requirements.txt` asks for: a virtual environment in the cache, made when this user
 * never had one of these requirements.
 *
 * @returns the interpreter's path.
 * @throws usage when there is no Python, or the packages can't be installed.
 */
export async function installPython(report: (line: string) => void, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(REQUIREMENTS))
    .digest("hex");
  const folder = join(dirname(modelCacheFolder()), `python-${hash.slice(0, 12)}`);
  const python = join(folder, "bin", "python");
  const whole = join(folder, "installed");
  await withFileLock(`${folder}.lock`, INSTALL_WAIT_MS_MAX, async () => {
    if (existsSync(whole)) return;
    report(`installing ONNX Runtime's quantiser and scikit-learn into ${folder} (once)`);
    await rm(folder, { recursive: true, force: true });
    await run("python3", ["-m", "venv", folder], signal);
    await run(python, ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], signal);
    await writeFile(whole, "");
  });
  return python;
}

/**
 * Runs one of the scripts beside the requirements.
 *
 * @returns what it printed.
 * @throws usage with the last lines that the script wrote to standard error.
 */
export function runScript(
  python: string,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  return run(python, [join(SCRIPTS, script), ...args], signal);
}

async function run(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { signal, maxBuffer: OUTPUT_BYTES_MAX });
    return stdout;
  } catch (cause) {
    signal.throwIfAborted();
    const { code, stderr } = cause as ExecFileException;
    const problem =
      code === "ENOENT" ? `there is no program ${program}` : `${program} ${args[0]} failed: ${lastLines(stderr)}`;
    const remedy = "install Python 3.11 or newer with venv, or set FRUITSTREAM_PYTHON to one that has the requirements";
    throw new FruitstreamError("usage", `${problem}; ${remedy} (${REQUIREMENTS})`, { cause });
  }
}

const ERROR_LINES = 5;

function lastLines(text = ""): string {
  return text.trimEnd().split("\n").slice(-ERROR_LINES).join(" | ");
}
