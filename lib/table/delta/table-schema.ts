import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { type Partitioning, partitionColumns, partitioningOf } from "../partitioning.ts";
import { columnField, type DeltaType, type PhotoColumn } from "../photo-columns.ts";
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
  const refuse = refusalOf(tableUri);
  const { fields } = readSchema(metadata.schemaString, refuse);
  for (const { name, nullable } of fields) {
    // A file without such a column could not be read by anybody, and no check of ours keeps nulls out of it.
    if (!nullable) throw refuse(`column "${name}" must be nullable`);
  }
  for (const column of columns) requireColumn(column, fields, refuse);
  for (const column of partitionColumns(requirePartitioning(metadata, tableUri).by)) {
    requireColumn(column, fields, refuse);
  }
  const names = new Set(fields.map(({ name }) => name));
  const missing = columns.filter(({ name }) => !names.has(name));
  if (missing.length === 0) return undefined;
  const schema = JSON.parse(metadata.schemaString) as { fields: unknown[] };
  const added = missing.map(({ name, type }) => columnField(name, type));
  return { ...metadata, schemaString: JSON.stringify({ ...schema, fields: [...schema.fields, ...added] }) };
}

/** @throws invalid-table when the table is partitioned in a way that none of ours is. */
export function requirePartitioning(metadata: Metadata, tableUri: string): Partitioning {
  const partitioning = partitioningOf(metadata);
  if (partitioning) return partitioning;
  const actual = metadata.partitionColumns.join() || "nothing";
  const known = "model, run and dt, hour or month, or by model and run alone";
  throw refusalOf(tableUri)(`it must be partitioned by ${known}, got ${actual}`);
}

type Refusal = (difference: string) => FruitstreamError;

function refusalOf(tableUri: string): Refusal {
  return (difference) => new FruitstreamError("invalid-table", `${tableUri} is no table of photo rows: ${difference}`);
}

const schemaOfTable = z.object({
  fields: z.array(
    z.object({
      name: z.string(),
      type: z.custom<DeltaType>((type) => type != null),
      nullable: z.boolean().default(true),
    }),
  ),
});

function requireColumn(
  { name, type, addedLater = false }: Pick<PhotoColumn, "name" | "type" | "addedLater">,
  fields: z.output<typeof schemaOfTable>["fields"],
  refuse: Refusal,
): void {
  // Delta's names are told apart without regard to case.
  const actual = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
  if (!actual && addedLater) return;
  const wanted = `column "${name}" must be ${typeText(type)}`;
  if (!actual) throw refuse(`${wanted}, got none`);
  if (actual.name !== name) throw refuse(`${wanted}, got one of the name "${actual.name}"`);
  if (typeText(actual.type) !== typeText(type)) throw refuse(`${wanted}, got ${typeText(actual.type)}`);
}

function readSchema(schemaString: string, refuse: Refusal): z.output<typeof schemaOfTable> {
  try {
    return schemaOfTable.parse(JSON.parse(schemaString));
  } catch {
    throw refuse(`its schema is not one of Delta: ${schemaString.slice(0, 200)}`);
  }
}

/** Types as text that is equal where they are: what tools note beside nested fields, and in which order, is left out. */
function typeText(type: DeltaType): string {
  return JSON.stringify(type, (key, value: unknown) => {
    if (key === "metadata" || key === "nullable" || key === "containsNull") return undefined;
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
