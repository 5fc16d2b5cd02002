import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const sources = globSync("{lib,services}/**/*.ts", { cwd: root }).map((path) => ({
  path,
  text: readFileSync(`${root}${path}`, "utf8"),
}));

describe("log lines of services", () => {
  test("carry an event", () => {
    const nameless = sources.flatMap(({ path, text }) => linesWithoutEvent(text).map((line) => `${path}:${line}`));
    expect(nameless).toEqual([]);
  });

  test("carry the events that docs/operations.md lists, and no others", () => {
    const documented = readFileSync(`${root}docs/operations.md`, "utf8").split("### Log events")[1] ?? "";
    const rows = [...documented.matchAll(/^\| (`[^|]+) \| /gm)].map(([, names]) => names!);
    const listed = rows.flatMap((names) => names.split(", ").map((name) => name.replaceAll("`", "")));
    expect(listed.sort()).toEqual([...new Set(sources.flatMap(({ text }) => eventsIn(text)))].sort());
  });
});

/** The string literals of every `event` that an object of fields is given. */
function eventsIn(text: string): string[] {
  const given = [...text.matchAll(/\bevent: (.*?)[,}]/g)].map(([, value]) => value!);
  return given.flatMap((value) => [...value.matchAll(/(?<!\[)"([a-z_]+)"/g)].map(([, name]) => name!));
}

/** Calls of a logger whose fields, given there or in a variable before, have no `event`. */
function linesWithoutEvent(text: string): number[] {
  if (!/ogger\b/.test(text)) return [];
  const file = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true);
  const lines: number[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /ogger(\.(error|warn|info|debug)|\[level\])$/.test(node.expression.getText())) {
      const fields = node.arguments[0]?.getText() ?? "";
      const declared = new RegExp(`\\bconst ${fields} = \\{ event\\b`);
      const hasEvent = fields.startsWith("{") ? /\bevent: /.test(fields) : /^\w+$/.test(fields) && declared.test(text);
      if (!hasEvent) lines.push(file.getLineAndCharacterOfPosition(node.getStart()).line + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return lines;
}
