import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { copyOnnxRuntime } from "./copy-onnx-runtime.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const DIST = join(ROOT, "dist");

/** What the package's code reads beside itself. */
const DATA_ROOMS = ["models", "schemas"];
/** Measures the checkout, and has no command. */
const ROOMS_LEFT_OUT = ["bench"];
/** How a network was trained is part of the source, not of the program. */
const FOLDERS_LEFT_OUT = /(^|\/)(train|__pycache__|venv|\.[^/]+)$/;

await rm(DIST, { recursive: true, force: true });
const manifest = await readManifest();
const codeRooms = Object.values(manifest.imports).filter(isRoom).map(roomOf);
for (const room of [...codeRooms, ...DATA_ROOMS]) await buildRoom(room);
await writeFile(join(DIST, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
await copyOnnxRuntime(join(DIST, "node_modules"));

interface DistManifest {
  readonly imports: Readonly<Record<string, string>>;
}

/** `package.json` of `dist`: Node takes `imports` and the module type from the nearest one. */
async function readManifest(): Promise<DistManifest> {
  const { name, version, type, imports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
  const rooms = Object.entries<string>(imports).filter(([, path]) => !ROOMS_LEFT_OUT.includes(roomOf(path)));
  return { name, version, private: true, type, imports: Object.fromEntries(rooms) } as DistManifest;
}

/** A whole folder is imported by a pattern; `./package.json` is one file, and is written here. */
function isRoom(path: string): boolean {
  return path.endsWith("/*");
}

/** `lib` of `./lib/*`. */
function roomOf(path: string): string {
  return path.replace(/^\.\/|\/\*$/g, "");
}

/**
 * A room in `dist`, at the same place as in the checkout, so that paths beside a module hold: TypeScript as JavaScript,
 * everything else as it is.
 */
async function buildRoom(room: string): Promise<void> {
  const entries = await readdir(join(ROOT, room), { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const folder = relative(ROOT, entry.parentPath);
    if (!entry.isFile() || folder.split("/").some((name) => FOLDERS_LEFT_OUT.test(name))) continue;
    const source = join(folder, entry.name);
    await mkdir(join(DIST, folder), { recursive: true });
    if (extname(source) === ".ts") await writeJavaScript(source);
    else await cp(join(ROOT, source), join(DIST, source));
  }
}

/** Strips the types as Node does when it runs a checkout: line and column stay, and nothing is compiled down. */
async function writeJavaScript(source: string): Promise<void> {
  const script = stripTypeScriptTypes(await readFile(join(ROOT, source), "utf8"));
  await writeFile(join(DIST, source.replace(/\.ts$/, ".js")), nameJavaScript(script));
}

/** Every module named in a string, whether imported, run as a worker or started as a process, by its name in `dist`. */
function nameJavaScript(script: string): string {
  return script.replace(/(["'`])([^"'`\n]+)\.ts\1/g, "$1$2.js$1");
}
