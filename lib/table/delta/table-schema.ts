import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { columnField, type DeltaType, PARTITION_COLUMNS, type PhotoColumn } from "../photo-columns.ts";
import type { Metadata } from "./actions.ts";

/**
 * What a table's metadata must become before rows of these columns are written to it. Columns that are not known here
 * stay as they are: whoever added them is of a later version, or another tool, and our rows have null there.
 *
 * @returns undefined when nothing has to change; else the same metadata with the missing columns behind all others.
 * @throws invalid-table, by the column's name, when rows can't be written so that every reader understands them.
 */
export function evolvedMetadata(
  metadata: Metadata,
  columns: readonly PhotoColumn[],
  tableUri: string,
): Metadata | undefined {
  const refuse = (difference: string) =>
    new FruitstreamError("invalid-table", `${tableUri} is no table of photo rows: ${difference}`);
  const { fields } = readSchema(metadata.schemaString, refuse);
  for (const { name, nullable } of fields) {
    // A file without such a column could not be read by anybody, and no check of ours keeps nulls out of it.
    if (!nullable) throw refuse(`column "${name}" must be nullable`);
  }
  for (const column of [...columns, ...PARTITION_COLUMNS]) {
    // Delta's names are told apart without regard to case.
    const actual = fields.find(({ name }) => name.toLowerCase() === column.name.toLowerCase());
    if (!actual && "addedLater" in column && column.addedLater) continue;
    const wanted = `column "${column.name}" must be ${typeText(column.type)}`;
    if (!actual) throw refuse(`${wanted}, got none`);
    if (actual.name !== column.name) throw refuse(`${wanted}, got one of the name "${actual.name}"`);
    if (typeText(actual.type) !== typeText(column.type)) throw refuse(`${wanted}, got ${typeText(actual.type)}`);
  }
  requirePartitions(metadata, refuse);
  const names = new Set(fields.map(({ name }) => name));
  const missing = columns.filter(({ name }) => !names.has(name));
  if (missing.length === 0) return undefined;
  const schema = JSON.parse(metadata.schemaString) as { fields: unknown[] };
  const added = missing.map(({ name, type }) => columnField(name, type));
  return { ...metadata, schemaString: JSON.stringify({ ...schema, fields: [...schema.fields, ...added] }) };
}

type Refusal = (difference: string) => FruitstreamError;

const schemaOfTable = z.object({
  fields: z.array(
    z.object({
      name: z.string(),
      type: z.custom<DeltaType>((type) => type != null),
      nullable: z.boolean().default(true),
    }),
  ),
});

function readSchema(schemaString: string, refuse: Refusal): z.output<typeof schemaOfTable> {
  try {
    return schemaOfTable.parse(JSON.parse(schemaString));
  } catch {
    throw refuse(`its schema is not one of Delta: ${schemaString.slice(0, 200)}`);
  }
}

function requirePartitions({ partitionColumns }: Metadata, refuse: Refusal): void {
  const wanted = PARTITION_COLUMNS.map(({ name }) => name).join();
  const actual = partitionColumns.join();
  if (actual !== wanted) throw refuse(`it must be partitioned by ${wanted}, got ${actual || "none"}`);
}

/** Types as text that is equal where they are: what tools note beside nested fields, and in which order, is left out. */
function typeText(type: DeltaType): string {
  return JSON.stringify(type, (key, value: unknown) => {
    if (key === "metadata" || key === "nullable" || key === "containsNull") return undefined;
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
