import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { manifestJsonSchema, parseManifest } from "#lib/model/manifest.ts";
import { listModelFolders } from "#lib/model/model-places.ts";

const schemaPath = fileURLToPath(new URL("../../../../schemas/model.schema.json", import.meta.url));

test("schemas/model.schema.json is up to date; npx fruitstream models schema > schemas/model.schema.json renews it", () => {
  expect(readFileSync(schemaPath, "utf8")).toBe(manifestJsonSchema());
});

test("the models that come with the project name it", async () => {
  for (const folder of await listModelFolders()) {
    const path = `${folder}/model.json`;
    const { $schema } = parseManifest(readFileSync(path, "utf8"), path);
    expect(fileURLToPath(new URL($schema ?? "", `file://${path}`)), path).toBe(schemaPath);
  }
});

test("docs/models.md has every field", () => {
  const documented = readFileSync(new URL("../../../../docs/models.md", import.meta.url), "utf8");
  const fields = fieldsOf(JSON.parse(manifestJsonSchema()), "");
  expect(fields).toContain("outputs.classes.kind");
  expect(fields.filter((field) => !documented.includes(`\`${field}\``))).toEqual([]);
});

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
}

/** The paths of all fields without fields of their own, as "input.resize.padColour". */
function fieldsOf({ properties = {}, anyOf = [] }: JsonSchema, prefix: string): string[] {
  const own = Object.entries(properties).flatMap(([name, schema]) => {
    const inner = fieldsOf(schema, `${prefix}${name}.`);
    return inner.length > 0 ? inner : [`${prefix}${name}`];
  });
  return [...own, ...anyOf.flatMap((schema) => fieldsOf(schema, prefix))];
}
