import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import avro from "avsc";
import { crc64Avro } from "./avro-fingerprint.ts";

/** One published version of a message's schema. */
export interface PublishedSchema {
  /** File name in `schemas/`, as `photo-arrived.v1.avsc`. */
  readonly file: string;
  /** The part before the version, as `photo-arrived`. */
  readonly message: string;
  readonly version: number;
  readonly type: avro.Type;
  /** CRC-64-AVRO of the schema's Parsing Canonical Form. */
  readonly fingerprint: bigint;
}

/** Every schema in a folder (by default the project's `schemas/`), oldest version first within a message. */
export function readPublishedSchemas(folder: URL = SCHEMAS_FOLDER): PublishedSchema[] {
  return readdirSync(fileURLToPath(folder))
    .flatMap((file) => {
      const name = SCHEMA_FILE.exec(file);
      return name ? [readSchema(folder, file, name[1]!, Number(name[2]))] : [];
    })
    .sort((a, b) => a.message.localeCompare(b.message) || a.version - b.version);
}

const SCHEMAS_FOLDER = new URL("../../schemas/", import.meta.url);
const SCHEMA_FILE = /^([a-z-]+)\.v(\d+)\.avsc$/;

function readSchema(folder: URL, file: string, message: string, version: number): PublishedSchema {
  const schema = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as avro.Schema;
  // wrapUnions "never" gives unions as plain values (null or the value) instead of {"string": …} wrappers.
  const type = avro.Type.forSchema(schema, { wrapUnions: "never" });
  // Without `exportAttrs`, avsc's schema() is the Parsing Canonical Form.
  return { file, message, version, type, fingerprint: crc64Avro(JSON.stringify(type.schema())) };
}
