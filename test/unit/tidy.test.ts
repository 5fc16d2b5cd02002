import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

/** What a review would have to look for in every change, over the whole tree. */
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PRODUCT = ["lib", "services", "ops", "analysis", "demo", "cli", "stack"];
const ROOMS = [...PRODUCT, "bench", "docs", "models", "schemas", "test"];
const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** Known exceptions; what is no exception any more has to leave the list. */
const LONG_FUNCTIONS = ["services/featurizer/compose-featurizer.ts composeFeaturizer"];
const TESTS_OF_NO_ONE_FILE = {
  "test/unit/cli/config-shapes.test.ts": "what every service's configuration promises",
  "test/unit/fakes/memory-object-store.test.ts": "the fake passes the contract's suite",
  "test/unit/fakes/memory-record-log.test.ts": "the fake passes the contract's suite",
  "test/unit/lib/messages/avro/published-records.test.ts": "records of every version, as they lie on topics",
  "test/unit/lib/model/manifest-schema.test.ts": "the published JSON Schema",
  "test/unit/services/reducer/beside-a-maintainer.test.ts": "the pipeline while the table is compacted and vacuumed",
  "test/unit/services/reducer/fencing.test.ts": "the pipeline while a fence is noticed late",
  "test/unit/services/reducer/foreign-writers.test.ts": "the pipeline while another tool writes to the table",
  "test/unit/services/reducer/reassignment.test.ts": "the pipeline while partitions come and go",
  "test/unit/tidy.test.ts": "the whole tree",
};

const files = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/(node_modules|results|__pycache__|venv)(\/|$)/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length)),
);
const sources = files.filter((path) => path.endsWith(".ts") && PRODUCT.includes(path.split("/")[0]!));
const documents = [...files.filter((path) => path.endsWith(".md")), ...globSync("*.md", { cwd: ROOT })];
const textOf = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("the product's files", () => {
  test(`have at most ${FILE_LINES_MAX} lines`, () => {
    const long = sources.filter((path) => textOf(path).split("\n").length - 1 > FILE_LINES_MAX);
    expect(long.sort()).toEqual([]);
  });

  test(`have functions of at most ${FUNCTION_LINES_MAX} lines`, () => {
    const long = sources.flatMap((path) =>
      longFunctionsIn(path, textOf(path), FUNCTION_LINES_MAX).map((name) => `${path} ${name}`),
    );
    expect(long.sort()).toEqual(LONG_FUNCTIONS);
  });

  test("say in their names what they are: no utils, no barrels", () => {
    const vague = /(^|\/)(utils?|common|helpers?|misc)(\/|\.ts$)|(^|\/)index\.ts$/;
    expect(files.filter((path) => vague.test(path))).toEqual([]);
  });

  test("do operators' work without the terminal or the environment", () => {
    const terminal = /\bprocess\.(stdin|stdout|stderr|env|exit)\b|\bconsole\./;
    const touching = sources.filter((path) => /^(ops|analysis)\//.test(path) && terminal.test(withoutComments(path)));
    expect(touching).toEqual([]);
  });
});

test("each unit test mirrors the file that it tests", () => {
  const tests = files.filter((path) => /^test\/unit\/.*\.test\.ts$/.test(path));
  const alone = tests.filter((path) => {
    const source = path.replace(/^test\/unit\//, "").replace(/\.test\.ts$/, ".ts");
    return !existsSync(join(ROOT, source));
  });
  expect(alone.sort()).toEqual(Object.keys(TESTS_OF_NO_ONE_FILE));
});

describe("documents", () => {
  const decisions = files.filter((path) => path.startsWith("docs/decisions/"));

  test("each decision's file is named as its title, and the numbers leave no gap", () => {
    const fromTitles = decisions.map((path) => {
      const title = /^# (\d{3}: .*)$/m.exec(textOf(path))?.[1] ?? "no title";
      return `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.md`;
    });
    expect(decisions.map((path) => basename(path))).toEqual(fromTitles);
    expect(decisions.map((path) => Number(basename(path).slice(0, 3))).sort((a, b) => a - b)).toEqual(
      decisions.map((_, index) => index + 1),
    );
  });

  test("every path that they name exists", () => {
    const names = new Set(files.map((path) => basename(path)));
    const missing = documents.flatMap((document) => {
      const text = textOf(document);
      const links = [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, path]) => path!);
      const quoted = [...text.matchAll(/`#?([\w.{}*,/-]+)`/g)].map(([, path]) => path!);
      const inRooms = quoted.filter((path) => ROOMS.includes(path.split("/")[0]!) && path.includes("/"));
      // Where types are stripped before packing (`npm pack`), the same file ends in .js.
      const paths = inRooms.map((path) => path.replace(/\.js$/, ".[jt]s"));
      const files = quoted.filter((path) => /^[\w-]+\.ts$/.test(path));
      return [
        ...links.filter((path) => !existsSync(join(ROOT, dirname(document), path))),
        ...paths.filter((path) => globSync(path, { cwd: ROOT }).length === 0),
        ...files.filter((path) => !names.has(path) && !existsSync(join(ROOT, path))),
      ].map((path) => `${document}: ${path}`);
    });
    expect(missing).toEqual([]);
  });
});

test("nothing names a folder of one machine or the host of a package registry", () => {
  const machine =
    /(?<![\w.~:-])\/(work|root|home|Users)\/(?!me\/)\w|\bregistry\.[\w-]+\.\w+|artifactory|[\w-]+\.internal\b/;
  const settings = ["package.json", "package-lock.json", "vitest.config.ts", "biome.json", "Dockerfile", ".ci/run"];
  const texts = [...new Set([...files, ...documents, ...settings])].filter((path) =>
    /\.(ts|md|json|py|txt|xml)$|run$|file$/.test(path),
  );
  const itself = "test/unit/tidy.test.ts";
  expect(texts.filter((path) => path !== itself && machine.test(textOf(path)))).toEqual([]);
});

function withoutComments(path: string): string {
  return textOf(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}

/** Names of the functions that are too long; the functions with bodies inside one count for themselves, as methods do. */
function longFunctionsIn(path: string, text: string, linesMax: number): string[] {
  if (text.split("\n").length <= linesMax) return [];
  const file = ts.createSourceFile(path, text, {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  });
  const lineAt = (position: number) => file.getLineAndCharacterOfPosition(position).line;
  const long: string[] = [];
  /** Lines of the functions below the node. */
  const visit = (node: ts.Node): number => {
    let inside = 0;
    ts.forEachChild(node, (child) => {
      inside += visit(child);
    });
    if (!ts.isFunctionLike(node) || !("body" in node) || !node.body || !ts.isBlock(node.body as ts.Node)) return inside;
    const lines = lineAt(node.end) - lineAt(node.getStart(file)) + 1;
    if (lines - inside > linesMax) long.push(node.name?.getText(file) ?? `function at line ${lineAt(node.pos) + 1}`);
    return lines;
  };
  visit(file);
  return long;
}
