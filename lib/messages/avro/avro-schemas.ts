import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import avro from "avsc";

/** One schema that messages are written with. */
export interface AvroSchema {
  readonly type: avro.Type;
  /** CRC-64-AVRO of the schema's Parsing Canonical Form. */
  readonly fingerprint: bigint;
}

/** One published version of a message's schema. */
export interface PublishedSchema extends AvroSchema {
  /** File name in `schemas/`, as `photo-arrived.v1.avsc`. */
  readonly file: string;
  /** The part before the version, as `photo-arrived`. */
  readonly message: string;
  readonly version: number;
}

/** Every schema in a folder (by default the project's `schemas/`), oldest version first within a message. */
export function readPublishedSchemas(folder: URL = SCHEMAS_FOLDER): PublishedSchema[] {
  return readdirSync(fileURLToPath(folder))
    .flatMap((file) => {
      const name = SCHEMA_FILE.exec(file);
      if (!name) return [];
      const schema = parseSchema(readFileSync(new URL(file, folder), "utf8"));
      return [{ file, message: name[1]!, version: Number(name[2]), ...schema }];
    })
    .sort((a, b) => a.message.localeCompare(b.message) || a.version - b.version);
}

/**
 * Reads a schema's JSON and takes its fingerprint.
 *
 * @throws when the text is no Avro schema.
 */
export function parseSchema(text: string): AvroSchema {
  // wrapUnions "never" gives unions as plain values (null or the value) instead of {"string": …} wrappers.
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema, { wrapUnions: "never" });
  // Without `exportAttrs`, avsc's schema() is the Parsing Canonical Form.
  return { type, fingerprint: crc64Avro(JSON.stringify(type.schema())) };
}

/** The schema's JSON with its defaults; `parseSchema` gives it back with the same fingerprint. */
export function formatSchema({ type }: AvroSchema): string {
  return JSON.stringify(type.schema({ exportAttrs: true }));
}

/** A fingerprint as people and keys of records have it: sixteen hexadecimal digits. */
export function formatFingerprint(fingerprint: bigint): string {
  return fingerprint.toString(16).padStart(16, "0");
}

/** Undefined when the text is no fingerprint as people have it. */
export function parseFingerprint(text: string): bigint | undefined {
  return /^[0-9a-f]{16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

const SCHEMAS_FOLDER = new URL("../../../schemas/", import.meta.url);
const SCHEMA_FILE = /^([a-z-]+)\.v(\d+)\.avsc$/;

/**
 * CRC-64-AVRO, the Rabin fingerprint that names a schema in single-object encoding
 * (Avro specification 1.11, "Schema Fingerprints").
 *
 * @param canonicalForm the schema in Parsing Canonical Form
 * @returns the 64-bit fingerprint
 */
export function crc64Avro(canonicalForm: string): bigint {
  let fingerprint = EMPTY;
  for (const byte of Buffer.from(canonicalForm, "utf8")) {
    fingerprint = (fingerprint >> 8n) ^ TABLE[Number((fingerprint ^ BigInt(byte)) & 0xffn)]!;
  }
  return fingerprint;
}

const EMPTY = 0xc15d213aa4d7a795n;

const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, index) => {
  let entry = BigInt(index);
  for (let bit = 0; bit < 8; bit++) entry = (entry >> 1n) ^ (entry & 1n ? EMPTY : 0n);
  return entry;
});
