import {
  formatSchema,
  type PublishedSchema,
  parseSchema,
  readPublishedSchemas,
} from "#lib/messages/avro/avro-schemas.ts";
import { KnownSchemas } from "#lib/messages/avro/known-schemas.ts";

/** What the next version of every message would add. */
const ADDED_FIELD = { name: "cameraModel", type: ["null", "string"], default: null };

/** What a process of the next release knows: a further version of each message, with one more optional field. */
export function nextSchemas(): KnownSchemas {
  const published = readPublishedSchemas();
  const isNewest = ({ message }: PublishedSchema, index: number) => published[index + 1]?.message !== message;
  const next = published.filter(isNewest).map((schema) => withField(schema, ADDED_FIELD));
  return new KnownSchemas([...published, ...next]);
}

/** The next version of a schema: a field first, where it moves all others. */
function withField(schema: PublishedSchema, field: object): PublishedSchema {
  const { fields, ...record } = JSON.parse(formatSchema(schema));
  return nextVersion(schema, { ...record, fields: [field, ...fields] });
}

/** The next version of a schema, whatever it is. */
export function nextVersion({ message, version, file }: PublishedSchema, schema: object): PublishedSchema {
  const next = { message, version: version + 1, file: file.replace(`.v${version}.`, `.v${version + 1}.`) };
  return { ...next, ...parseSchema(JSON.stringify(schema)) };
}
