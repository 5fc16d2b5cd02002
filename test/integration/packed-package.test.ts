import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { endpointsFromEnv } from "#stack/endpoints.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PHOTOS = 24;
/** Packing and two installations from npm's cache: 40 s on two busy cores. */
const INSTALL_MS_MAX = 300_000;

/** What a person who never saw the checkout does: installs the packed file, and works in a folder of their own. */
let scratch: string;
/** Installed in a folder, and with -g: what `fruitstream` is then. */
let inFolder: string;
let everywhere: string;
let installed: Outcome;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-packed-"));
  await npm(["pack", "--pack-destination", scratch], PROJECT_ROOT);
  const { version } = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  const tarball = join(scratch, `fruitstream-${version}.tgz`);
  const folder = await newFolder("folder");
  installed = await npm(["install", "--prefer-offline", tarball], folder);
  inFolder = join(folder, "node_modules", ".bin", "fruitstream");
  await npm(["install", "--prefer-offline", "--global", "--prefix", join(scratch, "prefix"), tarball], folder);
  everywhere = join(scratch, "prefix", "bin", "fruitstream");
}, INSTALL_MS_MAX);

afterAll(() => rm(scratch, { recursive: true, force: true }));

test("packing leaves nothing in the checkout", () => {
  expect(existsSync(join(PROJECT_ROOT, "dist"))).toBe(false);
});

test("installs without warnings, and nothing that it brings has an install script", async () => {
  // Settings of this machine that its npm does not know are no concern of the package.
  expect(installed.stderr).not.toMatch(/npm warn (?!Unknown (user|env|global|builtin) config)/i);
  const lock = JSON.parse(await readFile(join(dirname(inFolder), "..", "..", "package-lock.json"), "utf8"));
  const packages = Object.entries<{ hasInstallScript?: boolean }>(lock.packages);
  expect(packages.length).toBeGreaterThan(50);
  expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
});

test("the command knows the package's version", async () => {
  const { version } = JSON.parse(await readFile(join(PROJECT_ROOT, "package.json"), "utf8"));
  expect((await run(everywhere, ["--version"])).stdout).toContain(version);
});

test("models and settings are in the package", async () => {
  const models = await run(inFolder, ["models", "list"]);
  expect(models.stdout).toContain("fruitnet-int8");
  expect(models.stdout).toContain("mobilenetv2-12");
  const config = await run(everywhere, ["config"]);
  expect(config.stdout).toContain("FEATURIZER_MODEL_DIR");
});

test("local makes a table of a folder of photos", async () => {
  const cwd = await newFolder("local");
  await run(inFolder, ["sample", "--count", String(PHOTOS), "--out", "photos"], { cwd });
  await run(inFolder, ["local", "--photos", "photos", "--out", "out"], { cwd });
  expect(await committedRows(join(cwd, "out", "table"))).toBe(PHOTOS);
});

test("demo --embedded runs outside the checkout", async () => {
  const cwd = await newFolder("embedded");
  const { stdout } = await run(everywhere, ["demo", "--embedded", "--count", String(PHOTOS), "--json"], { cwd });
  expect(lastJson(stdout)).toMatchObject({ rows: PHOTOS });
});

test("demo starts the package's services as processes", async () => {
  const endpoints = endpointsFromEnv(inject("stackEnv"));
  expect(endpoints).toBeDefined();
  const cwd = await newFolder("served");
  const args = ["demo", "--count", String(PHOTOS), "--export", join(cwd, "table"), "--json"];
  const { stdout } = await run(everywhere, args, { cwd, env: inject("stackEnv") });
  expect(lastJson(stdout)).toMatchObject({ rows: PHOTOS });
});

test("stack keeps its state with the user, not among the modules", async () => {
  const { stdout } = await run(everywhere, ["stack", "status"], { env: { XDG_STATE_HOME: scratch } });
  expect(stdout).toContain(`data: ${join(scratch, "fruitstream", "stack")}`);
});

/** Makes a Node believe that it is an older one. Its child must be told nothing of it. */
const OLD_NODE = `--import=data:text/javascript,${encodeURIComponent(
  'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } }); delete process.env.NODE_OPTIONS;',
)}`;

test("a Node that is too old is told so in a sentence", async () => {
  const { code, stderr } = await run(everywhere, ["models", "list"], { env: { NODE_OPTIONS: OLD_NODE } });
  expect(stderr).toMatch(/^fruitstream: this is Node 20\.11\.0, and Node 24 or newer is needed; .*npm install node-/);
  expect(code).toBe(1);
});

const ownNode = join(PROJECT_ROOT, "node_modules", `node-${process.platform}-${process.arch}`);

test.skipIf(!existsSync(ownNode))("a Node that is too old hands over to the one beside the package", async () => {
  const checkout = join(PROJECT_ROOT, "bin", "fruitstream.js");
  const env = { NODE_OPTIONS: OLD_NODE };
  expect((await run(checkout, ["models", "list"], { env })).stdout).toContain("fruitnet-int8");
  const refused = await run(checkout, ["models", "show", "no-such-model"], { env });
  expect(refused.stderr).toMatch(/^fruitstream: .*no-such-model/);
  expect(refused.code).toBe(1);
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program with this Node, and with nothing of the checkout or of the npm that started the tests around it. */
async function run(
  program: string,
  args: readonly string[],
  { cwd = scratch, env = {} }: RunOptions = {},
): Promise<Outcome> {
  const own = /^(npm_|NODE_|INIT_CWD|KAFKA_|S3_|VITEST)/i;
  const inherited = Object.entries(process.env).filter(([name]) => !own.test(name));
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
  const surroundings = { ...Object.fromEntries(inherited), PATH: path, NODE_NO_WARNINGS: "", ...env };
  try {
    const output = await promisify(execFile)(program, args, { cwd, env: surroundings, maxBuffer: 16 * 1_048_576 });
    return { code: 0, ...output };
  } catch (error) {
    const { code, stdout, stderr } = error as Outcome;
    return { code, stdout, stderr };
  }
}

async function npm(args: readonly string[], cwd: string): Promise<Outcome> {
  // A connection that goes silent is tried again; npm's own patience is as long as all of this may take.
  const outcome = await run("npm", [...args, "--no-audit", "--no-fund", "--fetch-timeout=30000"], { cwd });
  if (outcome.code !== 0) throw new Error(`npm ${args[0]} failed: ${outcome.stderr}`);
  return outcome;
}

async function newFolder(name: string): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(folder);
  return folder;
}

function lastJson(stdout: string): unknown {
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

/** Rows of the files that the table's log adds; nothing here compacts. */
async function committedRows(table: string): Promise<number> {
  const log = join(table, "_delta_log");
  const commits = (await readdir(log)).filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(commits.map((name) => readFile(join(log, name), "utf8")));
  const actions = texts.flatMap((text) => text.trimEnd().split("\n")).map((line) => JSON.parse(line));
  return actions.reduce((rows, { add }) => rows + (add ? JSON.parse(add.stats).numRecords : 0), 0);
}
