import type avro from "avsc";

/**
 * How a reader with one schema reads what was written with another (Avro specification 1.11, "Schema Resolution"):
 * fields that the reader doesn't know are skipped, fields that the writer didn't know get the reader's default.
 *
 * @throws an error whose sentence names the field, when the one schema can't be read as the other: the writer has
 * dropped or retyped a field, or lacks one for which the reader has no default.
 */
export function schemaResolver(reader: avro.Type, writer: avro.Type): avro.Resolver {
  try {
    return reader.createResolver(writer);
  } catch (cause) {
    throw new Error(problemOf(reader, writer) ?? (cause as Error).message, { cause });
  }
}

/** avsc's own sentence names no field when it is the type that doesn't fit. */
function problemOf(reader: avro.Type, writer: avro.Type): string | undefined {
  for (const { name, type, defaultValue } of fieldsOf(reader)) {
    const written = fieldsOf(writer).find((field) => field.name === name);
    if (!written && defaultValue() === undefined) return `field "${name}" is missing there and has no default here`;
    try {
      if (written) type.createResolver(written.type);
    } catch (error) {
      return `field "${name}": ${problemOf(type, written!.type) ?? (error as Error).message}`;
    }
  }
  return undefined;
}

function fieldsOf(type: avro.Type): readonly avro.types.RecordType["fields"][number][] {
  return (type as Partial<avro.types.RecordType>).fields ?? [];
}
