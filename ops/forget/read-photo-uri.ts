import type { LogRecord } from "#lib/log/record-log.ts";
import { photoArrivedCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import type { SchemaTopic } from "#lib/messages/avro/schema-topic.ts";
import { decodeDeadLetterRecord, unlessPoison } from "#lib/messages/dead-letter.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import { photoUri } from "#lib/photo/photo-uri.ts";

/** A photo that a record is about, and when it was announced. */
export interface AnnouncedPhoto {
  readonly uri: string;
  readonly announcedAtMs: number;
}

/** The photo that a record of `photos` or `features` is about; undefined where it can't be read. */
export async function photoOfRecord(
  value: Uint8Array | null,
  schemas: Pick<SchemaTopic, "learn">,
): Promise<AnnouncedPhoto | undefined> {
  await schemas.learn([value]);
  const codec = photoFeaturesCodec.recognises(value) ? photoFeaturesCodec : photoArrivedCodec;
  const photo = unlessPoison(() => codec.decode(value));
  return photo && { uri: photoUri(photo), announcedAtMs: photo.ingestedAtMs };
}

/** The letter of a record of the topic of dead letters; undefined for a mark, and where it can't be read. */
export async function letterOfRecord(
  { value }: LogRecord,
  schemas: Pick<SchemaTopic, "learn">,
): Promise<DeadLetter | undefined> {
  await schemas.learn([value]);
  const record = unlessPoison(() => decodeDeadLetterRecord(value));
  return record?.kind === "letter" ? record.letter : undefined;
}

/** The photo of a letter, by the record that it carries or else by its own word. */
export async function photoOfLetter(
  { uri, originalValue, failedAtMs }: DeadLetter,
  schemas: Pick<SchemaTopic, "learn">,
): Promise<AnnouncedPhoto | undefined> {
  const photo = await photoOfRecord(originalValue, schemas);
  return photo ?? (uri === null ? undefined : { uri, announcedAtMs: failedAtMs });
}
