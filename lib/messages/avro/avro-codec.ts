import type avro from "avsc";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { float32sOfBytes, littleEndianBytes } from "#lib/runtime/little-endian.ts";
import type { DeadLetter, DeadLetterMark, PhotoArrived, PhotoFeatures } from "../messages.ts";
import { formatFingerprint, type PublishedSchema } from "./avro-schemas.ts";
import { requireBounded } from "./body-bounds.ts";
import { type KnownSchemas, knownSchemas } from "./known-schemas.ts";
import { schemaResolver } from "./schema-resolver.ts";
import { asBuffer, describeForeign, fingerprintIn, HEADER_BYTES, singleObjectHeader } from "./single-object.ts";

/**
 * Messages on the wire, in Avro single-object encoding. A reader finds the writer's schema by its fingerprint among all
 * known versions, older and newer ones: what is written by one version is read by every other.
 */
export interface MessageCodec<Message> {
  /** Encodes with the newest published version. */
  encode(message: Message): Uint8Array;
  /**
   * Decodes what any known version of this message has written. Schemas that are not published here have to be learnt
   * before (`SchemaTopic`).
   *
   * Never reads more values than there are bytes: lengths and counts are held against the body before they are believed.
   *
   * @throws poison-message when the bytes are nothing of the kind, or of a version that can't be read as this one.
   */
  decode(bytes: Uint8Array | null): Message;
  /** Whether a known version of this message has written the bytes, by their header. */
  recognises(bytes: Uint8Array | null): boolean;
}

export const photoArrivedCodec: MessageCodec<PhotoArrived> = avroCodec("photo-arrived");
export const deadLetterCodec: MessageCodec<DeadLetter> = avroCodec("dead-letter");
export const deadLetterMarkCodec: MessageCodec<DeadLetterMark> = avroCodec("dead-letter-mark");
export const photoFeaturesCodec: MessageCodec<PhotoFeatures> = photoFeaturesCodecOver(avroCodec("photo-features"));

/** A vector travels as one bytes field of little-endian float32: no per-element decoding, and exact to the bit. */
type WirePhotoFeatures = Omit<PhotoFeatures, "features"> & { readonly features: Uint8Array };

export function photoFeaturesCodecOver(wire: MessageCodec<WirePhotoFeatures>): MessageCodec<PhotoFeatures> {
  return {
    encode: (message) => wire.encode({ ...message, features: littleEndianBytes(message.features) }),
    decode: (bytes) => {
      const message = wire.decode(bytes);
      return { ...message, features: vectorOfBytes(message.features) };
    },
    recognises: (bytes) => wire.recognises(bytes),
  };
}

/**
 * The codec of one message; the newest published version is the one written and returned.
 *
 * @throws when there is no such message, or two of its published versions can't read each other.
 */
export function avroCodec<Message>(message: string, known: KnownSchemas = knownSchemas): MessageCodec<Message> {
  const versions = known.published.filter((schema) => schema.message === message);
  const newest = versions.at(-1);
  if (!newest) throw new Error(`no schema file for "${message}"`);
  for (const older of versions) requireBothWays(newest, older);
  const header = singleObjectHeader(newest.fingerprint);
  const resolvers = new Map<bigint, avro.Resolver | FruitstreamError>();

  const resolverOf = (fingerprint: bigint, writer: avro.Type): avro.Resolver => {
    const made = resolvers.get(fingerprint) ?? resolverOrError(newest, fingerprint, writer);
    resolvers.set(fingerprint, made);
    if (made instanceof FruitstreamError) throw made;
    return made;
  };

  return {
    encode: (value) => Buffer.concat([header, newest.type.toBuffer(value)]),
    decode: (bytes) => {
      const buffer = asBuffer(bytes);
      const fingerprint = fingerprintIn(buffer);
      if (fingerprint === undefined) throw poison(message, describeForeign(bytes));
      const writer = known.typeOf(fingerprint);
      if (!writer) throw poison(message, describeUnknown(known, fingerprint));
      const resolver = resolverOf(fingerprint, writer);
      const body = buffer.subarray(HEADER_BYTES);
      try {
        requireBounded(writer, body);
        return newest.type.fromBuffer(body, resolver) as Message;
      } catch (cause) {
        throw poison(message, `its body does not follow its schema: ${String(cause)}`, cause);
      }
    },
    recognises: (bytes) => {
      const fingerprint = fingerprintIn(bytes);
      return fingerprint !== undefined && known.typeOf(fingerprint)?.name === newest.type.name;
    },
  };
}

function describeUnknown(known: KnownSchemas, fingerprint: bigint): string {
  const schema = formatFingerprint(fingerprint);
  const refusal = known.refusalOf(fingerprint);
  return refusal === undefined
    ? `its schema ${schema} is neither in schemas/ nor on the topic of schemas`
    : `its schema ${schema} on the topic of schemas is refused: ${refusal}`;
}

function resolverOrError(
  { message, file, type }: PublishedSchema,
  fingerprint: bigint,
  writer: avro.Type,
): avro.Resolver | FruitstreamError {
  const schema = formatFingerprint(fingerprint);
  if (writer.name !== type.name) return poison(message, `its schema ${schema} is that of ${writer.name}`);
  try {
    return schemaResolver(type, writer);
  } catch (cause) {
    const problem = `its schema ${schema} can't be read as ${file}: ${(cause as Error).message}`;
    return poison(message, `${problem}; a new version may only add fields, with defaults`, cause);
  }
}

/** While services are upgraded one by one, each version meets messages of the other. */
function requireBothWays(newest: PublishedSchema, older: PublishedSchema): void {
  for (const [reader, writer] of [
    [newest, older],
    [older, newest],
  ] as const) {
    try {
      schemaResolver(reader.type, writer.type);
    } catch (cause) {
      const problem = `${writer.file} can't be read as ${reader.file}: ${(cause as Error).message}`;
      throw new Error(`${problem}; a new version may only add fields, with defaults`, { cause });
    }
  }
}

function poison(message: string, why: string, cause?: unknown): FruitstreamError {
  return new FruitstreamError("poison-message", `the record is no ${message} message: ${why}`, { cause });
}

function vectorOfBytes(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength === 0 || bytes.byteLength % Float32Array.BYTES_PER_ELEMENT !== 0) {
    throw poison("photo-features", `its vector has ${bytes.byteLength} bytes, not a multiple of 4 above 0`);
  }
  // A copy, because the record's buffer is neither aligned to 4 bytes nor ours to keep.
  return float32sOfBytes(bytes);
}
