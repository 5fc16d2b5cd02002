import avro from "avsc";
import { avroCodec, photoFeaturesCodecOver } from "#lib/messages/avro/avro-codec.ts";
import { crc64Avro, formatSchema, parseSchema, readPublishedSchemas } from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";
import { HEADER_BYTES, singleObjectHeader } from "#lib/messages/avro/single-object.ts";
import { requireUsablePhoto } from "#lib/messages/message-bounds.ts";
import type { PhotoArrived } from "#lib/messages/messages.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Random } from "#lib/runtime/random.ts";
import { rowOf } from "#services/reducer/vector-row.ts";
import { encodedLetter, encodedMark, encodedPhoto, encodedVector } from "./record-samples.ts";

const published = readPublishedSchemas();
const SEPARATOR = Buffer.from("\n---\n");

/**
 * A schema as a stranger may put it on the topic of schemas, and a body that follows it: the text, a separator, the body.
 * Both are mutated together.
 */
export function forgedMessage(random: Random): Uint8Array {
  const { type, message } = random.pick(published);
  const { fields, ...record } = JSON.parse(formatSchema({ type, fingerprint: 0n }));
  const newest = published.findLast((schema) => schema.message === message)!;
  const sample = newest.type.fromBuffer(Buffer.from(SAMPLES[message]!(random)).subarray(HEADER_BYTES));
  const known = (type as avro.types.RecordType).fields.map((field, index) => ({
    field: fields[index],
    body: field.type.toBuffer(sample[field.name]),
  }));
  const added = Array.from({ length: random.between(0, 4) }, (_, index) => {
    const { schema, value } = anyType(random, 0);
    const name = random.chance(0.95) ? `added${index}` : fields[0].name;
    return {
      field: { name, type: schema },
      body: avro.Type.forSchema(schema as avro.Schema, neverWrapped()).toBuffer(value),
    };
  });
  const kept = known.filter(() => random.chance(0.98));
  const all = random.chance(0.5) ? [...added, ...kept] : [...kept, ...added];
  const text = JSON.stringify({ ...record, fields: all.map(({ field }) => field) });
  return Buffer.concat([Buffer.from(text), SEPARATOR, ...all.map(({ body }) => body)]);
}

/** A new one each time: avsc keeps the names of types in it. */
const neverWrapped = () => ({ wrapUnions: "never" }) as const;
const SAMPLES: Readonly<Record<string, (random: Random) => Uint8Array>> = {
  "photo-arrived": encodedPhoto,
  "photo-features": encodedVector,
  "dead-letter": encodedLetter,
  "dead-letter-mark": encodedMark,
};

interface Typed {
  readonly schema: object | string;
  readonly value: unknown;
}

const NESTING_MAX = 4;

/** A type of any kind, those that a schema of ours would never have among them, with a value of it. */
function anyType(random: Random, depth: number): Typed {
  const simple = random.pick(SIMPLE);
  if (depth === NESTING_MAX || random.chance(0.4)) return simple;
  const name = `N${random.between(0, 2 ** 31)}`;
  const inner = anyType(random, depth + 1);
  const items = Array.from({ length: random.between(0, 3) }, () => inner.value);
  const next = { name: "next", type: ["null", name] };
  const size = random.pick([1, 3, 4_000]);
  return random.pick<Typed>([
    { schema: { type: "array", items: inner.schema }, value: items },
    { schema: { type: "map", values: inner.schema }, value: Object.fromEntries(items.entries()) },
    { schema: isOptional(inner) ? inner.schema : ["null", inner.schema], value: null },
    { schema: { type: "enum", name, symbols: ["A", "B"] }, value: "B" },
    { schema: { type: "fixed", name, size }, value: Buffer.alloc(size) },
    {
      schema: { type: "record", name, fields: [{ name: "inner", type: inner.schema }] },
      value: { inner: inner.value },
    },
    { schema: { type: "record", name, fields: [next] }, value: chain(random.pick([0, 2, 40])) },
  ]);
}

function isOptional({ schema }: Typed): boolean {
  return schema === "null" || Array.isArray(schema);
}

function chain(length: number): { next: unknown } {
  return { next: length === 0 ? null : chain(length - 1) };
}

const SIMPLE: readonly Typed[] = [
  { schema: "null", value: null },
  { schema: "boolean", value: true },
  { schema: "int", value: -1 },
  { schema: "long", value: 2 ** 40 },
  { schema: "double", value: 0.5 },
  { schema: "bytes", value: Buffer.from("bytes") },
  { schema: "string", value: "text" },
];

/** Learns the schema, as far as it lets itself be learnt, and reads the body as every message that it may stand for. */
export function readForgedMessage(bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes);
  const at = buffer.indexOf(SEPARATOR);
  const [text, body] = at < 0 ? [buffer, buffer] : [buffer.subarray(0, at), buffer.subarray(at + SEPARATOR.length)];
  const known = new KnownSchemas(published);
  const fingerprint = fingerprintOf(text.toString());
  try {
    known.learn(fingerprint, text.toString());
  } catch {
    // It is logged and passed over; the messages that it stands for are dead letters.
  }
  const message = Buffer.concat([singleObjectHeader(fingerprint), body]);
  const readers = [
    () => requireUsablePhoto(avroCodec<PhotoArrived>("photo-arrived", known).decode(message)),
    () => rowOf(photoFeaturesCodecOver(avroCodec("photo-features", known)).decode(message)),
    () => avroCodec("dead-letter", known).decode(message),
    () => avroCodec("dead-letter-mark", known).decode(message),
  ];
  const errors = readers.map(errorOf);
  const unforeseen = errors.find((error) => error !== undefined && !(error instanceof FruitstreamError));
  if (unforeseen) throw unforeseen;
  if (!errors.includes(undefined)) throw errors[0];
}

/** What the reader throws; undefined when it takes the message, as it may where only fields were added. */
function errorOf(read: () => unknown): unknown {
  try {
    read();
    return undefined;
  } catch (error) {
    return error;
  }
}

function fingerprintOf(text: string): bigint {
  try {
    return parseSchema(text).fingerprint;
  } catch {
    return crc64Avro(text);
  }
}
