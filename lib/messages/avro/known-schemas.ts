import type avro from "avsc";
import { formatFingerprint, type PublishedSchema, parseSchema, readPublishedSchemas } from "./avro-schemas.ts";
import { emptyItemsIn } from "./body-bounds.ts";
import { fingerprintIn } from "./single-object.ts";

/** More versions than there will ever be of four messages; what bounds the memory when somebody writes schemas at random. */
const LEARNT_SCHEMAS_MAX = 1_024;
/** The largest of ours has 2 KiB. */
const SCHEMA_CHARACTERS_MAX = 65_536;
const REFUSAL_CHARACTERS_MAX = 1_024;

/**
 * The schemas that messages can be read with: those of `schemas/`, and those of writers of other versions, as they are
 * learnt. A fingerprint stands for one schema for good, so nothing learnt is ever forgotten.
 */
export class KnownSchemas {
  readonly published: readonly PublishedSchema[];
  readonly #types: Map<bigint, avro.Type>;
  /** By fingerprint, why a schema with it was not taken up. */
  readonly #refusals = new Map<bigint, string>();

  constructor(published: readonly PublishedSchema[]) {
    this.published = published;
    this.#types = new Map(published.map(({ fingerprint, type }) => [fingerprint, type]));
  }

  typeOf(fingerprint: bigint): avro.Type | undefined {
    return this.#types.get(fingerprint);
  }

  /** Why the latest schema that was offered under this fingerprint was not taken up; undefined when none was refused. */
  refusalOf(fingerprint: bigint): string | undefined {
    return this.#refusals.get(fingerprint);
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
   * @throws when the text is no schema of this fingerprint, is one that no message can be bounded by, or there are too
   * many by now. `refusalOf` has the sentence.
   */
  learn(fingerprint: bigint, text: string): boolean {
    try {
      return this.#learn(fingerprint, text);
    } catch (error) {
      if (this.#refusals.size < LEARNT_SCHEMAS_MAX || this.#refusals.has(fingerprint)) {
        this.#refusals.set(fingerprint, (error as Error).message.slice(0, REFUSAL_CHARACTERS_MAX));
      }
      throw error;
    }
  }

  #learn(fingerprint: bigint, text: string): boolean {
    if (text.length > SCHEMA_CHARACTERS_MAX) {
      throw new Error(`it has ${text.length} characters; ${SCHEMA_CHARACTERS_MAX} are the most`);
    }
    const schema = parseSchema(text);
    if (schema.fingerprint !== fingerprint) {
      throw new Error(`the schema's fingerprint is ${formatFingerprint(schema.fingerprint)}`);
    }
    if (this.#types.has(fingerprint)) return false;
    const emptyItems = emptyItemsIn(schema.type);
    if (emptyItems)
      throw new Error(`it has items that may take no bytes (${emptyItems}): a few bytes could announce any number`);
    if (this.#types.size >= this.published.length + LEARNT_SCHEMAS_MAX) {
      throw new Error(`${LEARNT_SCHEMAS_MAX} schemas of other versions are known already`);
    }
    this.#types.set(fingerprint, schema.type);
    return true;
  }
}

/** What this process knows. */
export const knownSchemas = new KnownSchemas(readPublishedSchemas());
