import type avro from "avsc";
import { formatFingerprint, type PublishedSchema, parseSchema, readPublishedSchemas } from "./avro-schemas.ts";
import { fingerprintIn } from "./single-object.ts";

/** More versions than there will ever be of four messages; what bounds the memory when somebody writes schemas at random. */
const LEARNT_SCHEMAS_MAX = 1_024;

/**
 * The schemas that messages can be read with: those of `schemas/`, and those of writers of other versions, as they are
 * learnt. A fingerprint stands for one schema for good, so nothing learnt is ever forgotten.
 */
export class KnownSchemas {
  readonly published: readonly PublishedSchema[];
  readonly #types: Map<bigint, avro.Type>;

  constructor(published: readonly PublishedSchema[]) {
    this.published = published;
    this.#types = new Map(published.map(({ fingerprint, type }) => [fingerprint, type]));
  }

  typeOf(fingerprint: bigint): avro.Type | undefined {
    return this.#types.get(fingerprint);
  }

  /** Whether the message was written with a schema that is not known. Bytes that name none need none. */
  isMissingFor(message: Uint8Array | null): boolean {
    const fingerprint = fingerprintIn(message);
    return fingerprint !== undefined && !this.#types.has(fingerprint);
  }

  /**
   * Takes up the schema of a writer of another version.
   *
   * @returns whether it is new.
   * @throws when the text is no schema of this fingerprint, or there are too many by now.
   */
  learn(fingerprint: bigint, text: string): boolean {
    const schema = parseSchema(text);
    if (schema.fingerprint !== fingerprint) {
      throw new Error(`the schema's fingerprint is ${formatFingerprint(schema.fingerprint)}`);
    }
    if (this.#types.has(fingerprint)) return false;
    if (this.#types.size >= this.published.length + LEARNT_SCHEMAS_MAX) {
      throw new Error(`${LEARNT_SCHEMAS_MAX} schemas of other versions are known already`);
    }
    this.#types.set(fingerprint, schema.type);
    return true;
  }
}

/** What this process knows. */
export const knownSchemas = new KnownSchemas(readPublishedSchemas());
