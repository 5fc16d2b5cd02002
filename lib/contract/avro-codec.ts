import type avro from "avsc";
import { FruitstreamError } from "../runtime/errors.ts";
import { type PublishedSchema, readPublishedSchemas } from "./avro-schemas.ts";
import type { DeadLetter, DeadLetterMark, PhotoArrived, PhotoFeatures } from "./messages.ts";

/**
 * Messages on the wire: Avro single-object encoding (Avro specification 1.11), that is the marker C3 01, the CRC-64-AVRO
 * fingerprint of the writer's schema in little-endian order, and the Avro binary body. A reader finds the writer's
 * schema by the fingerprint among all published versions, so older messages stay readable.
 */
export interface MessageCodec<Message> {
  /** Encodes with the newest published version. */
  encode(message: Message): Uint8Array;
  /**
   * Decodes what any published version of this message has written.
   *
   * @throws poison-message when the bytes are nothing of the kind.
   */
  decode(bytes: Uint8Array | null): Message;
  /** Whether a published version of this message has written the bytes, by their header. */
  recognises(bytes: Uint8Array | null): boolean;
}

const MARKER = Buffer.from([0xc3, 0x01]);
const HEADER_BYTES = 10;

const published = readPublishedSchemas();

export const photoArrivedCodec: MessageCodec<PhotoArrived> = avroCodec("photo-arrived", published);
export const deadLetterCodec: MessageCodec<DeadLetter> = avroCodec("dead-letter", published);
export const deadLetterMarkCodec: MessageCodec<DeadLetterMark> = avroCodec("dead-letter-mark", published);

type WirePhotoFeatures = Omit<PhotoFeatures, "features"> & { readonly features: Uint8Array };
const wireFeaturesCodec: MessageCodec<WirePhotoFeatures> = avroCodec("photo-features", published);

/** Vectors travel as one bytes field of little-endian float32: no per-element decoding, and exact to the bit. */
export const photoFeaturesCodec: MessageCodec<PhotoFeatures> = {
  encode: (message) => wireFeaturesCodec.encode({ ...message, features: bytesOfVector(message.features) }),
  decode: (bytes) => {
    const message = wireFeaturesCodec.decode(bytes);
    return { ...message, features: vectorOfBytes(message.features) };
  },
  recognises: (bytes) => wireFeaturesCodec.recognises(bytes),
};

/** The codec of one message over the given published schemas; the newest version is the one written and returned. */
export function avroCodec<Message>(message: string, schemas: readonly PublishedSchema[]): MessageCodec<Message> {
  const versions = schemas.filter((schema) => schema.message === message);
  const newest = versions.at(-1);
  if (!newest) throw new Error(`no schema file for "${message}"`);
  const resolvers = new Map(
    versions.map(({ type, fingerprint }) => [fingerprint, newest.type.createResolver(type)] as const),
  );
  const header = Buffer.alloc(HEADER_BYTES);
  MARKER.copy(header);
  header.writeBigUInt64LE(newest.fingerprint, MARKER.length);

  return {
    encode: (value) => Buffer.concat([header, newest.type.toBuffer(value)]),
    decode: (bytes) => decodeWith(newest.type, resolvers, bytes, message) as Message,
    recognises: (bytes) => {
      const fingerprint = fingerprintOf(bufferOf(bytes));
      return fingerprint !== undefined && resolvers.has(fingerprint);
    },
  };
}

function decodeWith(
  type: avro.Type,
  resolvers: ReadonlyMap<bigint, avro.Resolver>,
  bytes: Uint8Array | null,
  message: string,
): unknown {
  const buffer = bufferOf(bytes);
  const fingerprint = fingerprintOf(buffer);
  if (fingerprint === undefined) {
    const start = buffer.subarray(0, HEADER_BYTES).toString("hex");
    throw poison(message, `it begins with "${start}" instead of the marker c301 of Avro single-object encoding`);
  }
  const resolver = resolvers.get(fingerprint);
  if (!resolver) {
    throw poison(message, `its schema ${fingerprint.toString(16)} is none of schemas/; upgrade this service first`);
  }
  try {
    return type.fromBuffer(buffer.subarray(HEADER_BYTES), resolver);
  } catch (cause) {
    throw poison(message, `its body does not follow its schema: ${String(cause)}`, cause);
  }
}

function bufferOf(bytes: Uint8Array | null): Buffer {
  return Buffer.from(bytes?.buffer ?? new ArrayBuffer(0), bytes?.byteOffset, bytes?.byteLength);
}

/** The fingerprint in a message's header; undefined when the bytes have no such header. */
function fingerprintOf(buffer: Buffer): bigint | undefined {
  if (buffer.length < HEADER_BYTES || !buffer.subarray(0, MARKER.length).equals(MARKER)) return undefined;
  return buffer.readBigUInt64LE(MARKER.length);
}

function poison(message: string, why: string, cause?: unknown): FruitstreamError {
  return new FruitstreamError("poison-message", `the record is no ${message} message: ${why}`, { cause });
}

function bytesOfVector(vector: Float32Array): Buffer {
  if (LITTLE_ENDIAN_HOST) return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  const bytes = Buffer.alloc(vector.byteLength);
  vector.forEach((value, index) => {
    bytes.writeFloatLE(value, index * Float32Array.BYTES_PER_ELEMENT);
  });
  return bytes;
}

function vectorOfBytes(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength === 0 || bytes.byteLength % Float32Array.BYTES_PER_ELEMENT !== 0) {
    throw poison("photo-features", `its vector has ${bytes.byteLength} bytes, not a multiple of 4 above 0`);
  }
  // A copy, because the record's buffer is neither aligned to 4 bytes nor ours to keep.
  const copy = new Uint8Array(bytes);
  if (!LITTLE_ENDIAN_HOST) Buffer.from(copy.buffer).swap32();
  return new Float32Array(copy.buffer);
}

const LITTLE_ENDIAN_HOST = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
