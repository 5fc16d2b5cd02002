import { openAdmin } from "#lib/log/kafka/kafka-admin.ts";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import type { LogRecord } from "#lib/log/record-log.ts";
import { deadLetterCodec, photoArrivedCodec, photoFeaturesCodec } from "#lib/messages/avro/avro-codec.ts";
import { isFlushMarker } from "#lib/messages/flush-marker.ts";
import type { DeadLetter } from "#lib/messages/messages.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { recordCountOf } from "#lib/table/delta/column-statistics.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { readRows } from "#lib/table/table-files.ts";
import { countKnown } from "#lib/table/table-progress.ts";
import { checkPca } from "./check-pca.ts";
import { isNear } from "./is-near.ts";
import type { ServiceKind } from "./service-under-fault.ts";
import type { World } from "./world.ts";
import type { WorldReport } from "./world-report.ts";

/**
 * ONNX Runtime multiplies a batch of four in another order than a single photo, and a photo's batch depends on what
 * arrived beside it: float32 sums of 192 products then differ in their last bits.
 */
const VECTOR_TOLERANCE = 1e-5;

/**
 * A service's largest resident set under any fault of the suite. Runtime and libraries take some 200 MiB, the photos or
 * rows that the bounds admit the rest.
 */
const RSS_BYTES_MAX: Readonly<Record<ServiceKind, number>> = {
  featurizer: 640 * 2 ** 20,
  reducer: 512 * 2 ** 20,
  maintainer: 512 * 2 ** 20,
  ingest: 384 * 2 ** 20,
};

interface Row {
  readonly run: string;
  readonly position: string;
  readonly key: string;
  readonly etag: string;
  readonly features: Float32Array;
}

/**
 * The one check of every scenario, once the world has settled: each photo version that was announced, however often, is
 * one row with the vector of an undisturbed run, or a dead letter; nothing is lost, doubled or made up; moments, newest basis and log agree with the
 * rows; no service ended by itself.
 *
 * @throws what reading the table throws, such as not-found for a file that the log names and that is not there.
 */
export async function checkWorld(world: World): Promise<WorldReport> {
  const { topics, store, location, services } = world;
  const photos = await readRecords(world, topics.photos);
  const features = await readRecords(world, topics.features);
  const letters = (await readRecords(world, topics.deadLetters)).map(({ value }) => deadLetterCodec.decode(value));
  const table = await openTable(store, location);
  const { rows, wrongCounts } = await readTableRows(table);

  const arrivals = new Map(photos.map((record) => [placeOf(record), tryDecode(photoArrivedCodec, record)]));
  const hasVector = (record: LogRecord) => world.isOnS3(arrivals.get(placeOf(record)));
  const versionOf = (photo: { key: string; etag: string }) => `live ${photo.key} ${photo.etag}`;
  const wanted = [...new Set(photos.filter(hasVector).map((record) => versionOf(arrivals.get(placeOf(record))!)))];
  const placed = rows.map(({ run, key, etag }) => `${run} ${key} ${etag}`);
  const vectors = features.flatMap((record) => tryDecode(photoFeaturesCodec, record) ?? []);
  const known = countKnown(table.snapshot.txnVersions);
  const published = new Set(vectors.map(positionOf).filter((position) => world.isOnS3(arrivals.get(position)))).size;
  if (rows.length + known !== published) {
    wrongCounts.push(`${rows.length} rows and ${known} known already are not the ${published} photos with a vector`);
  }

  const brokenRecords = [
    ...photos.filter((record) => !hasVector(record)),
    ...features.filter((record) => !isFlushMarker(record) && !tryDecode(photoFeaturesCodec, record)),
  ];
  const broken = brokenRecords.map((record) => `${record.topic} ${placeOf(record)}`);
  const lettered = [...new Set(letters.map((letter) => `${letter.sourceTopic} ${positionOf(letter)}`))];
  const isRight = ({ position, key, features }: Row) =>
    key === arrivals.get(position)?.key && isNear(features, world.vectorOf(key), VECTOR_TOLERANCE);

  return {
    announced: photos.length,
    rows: rows.length,
    deadLetters: lettered.length,
    known,
    repeats: vectors.length - rows.length - known,
    commits: table.snapshot.version,
    fenced: services.reduce((sum, service) => sum + service.logged("window_fenced"), 0),
    kills: services.reduce((sum, { kills }) => sum + kills, 0),
    monitoredLag: await monitoredLag(world),
    reasons: countsOf(new Map(letters.map((letter) => [`${letter.sourceTopic} ${positionOf(letter)}`, letter.reason]))),
    rssPeakBytes: rssPeaks(world),
    findings: {
      lost: missing(wanted, placed),
      doubled: doubled(placed),
      madeUp: missing(placed, wanted),
      wrongVectors: rows.filter((row) => !isRight(row)).map(({ position }) => position),
      lettersMissing: missing(broken, lettered),
      lettersMadeUp: missing(lettered, broken),
      lettersWithoutOriginal: lettersWithoutOriginal(letters, brokenRecords),
      outOfOrder: outOfOrder(features),
      wrongCounts,
      wrongPca: await checkPca(table),
      crashes: services.flatMap(({ crashes }) => crashes),
      tooLarge: services.filter(({ kind, rssPeakBytes }) => rssPeakBytes > RSS_BYTES_MAX[kind]).map(({ name }) => name),
    },
  };
}

async function readRecords({ kafka }: World, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await readTopic(kafka, topic, silentLogger, (record) => {
    records.push(record);
  });
  return records;
}

/** Reads every file that the log names. */
async function readTableRows(table: DeltaTable): Promise<{ rows: Row[]; wrongCounts: string[] }> {
  const rows: Row[] = [];
  const wrongCounts: string[] = [];
  for (const file of table.snapshot.files.values()) {
    const inFile = await readRows(table, file, ["path", "photo_etag", "features", "source_partition", "source_offset"]);
    if (inFile.length !== recordCountOf(file)) wrongCounts.push(`${file.path} has ${inFile.length} rows`);
    for (const { path, photo_etag, features, source_partition, source_offset } of inFile) {
      rows.push({
        run: file.partitionValues.run!,
        position: `${source_partition}/${source_offset}`,
        key: String(path).split("/").slice(3).join("/"),
        etag: String(photo_etag),
        features: Float32Array.from(features as Iterable<number>),
      });
    }
  }
  return { rows, wrongCounts };
}

/** The promise on which the reducer's high-water marks rest: first appearances come in the order of their offsets. */
function outOfOrder(features: readonly LogRecord[]): string[] {
  const next = new Map<number, number>();
  const seen = new Set<string>();
  const late: string[] = [];
  for (const record of features) {
    const message = tryDecode(photoFeaturesCodec, record);
    if (!message || seen.has(positionOf(message))) continue;
    const { sourcePartition, sourceOffset } = message;
    seen.add(positionOf(message));
    if (sourceOffset < (next.get(sourcePartition) ?? 0)) late.push(positionOf(message));
    else next.set(sourcePartition, sourceOffset + 1);
  }
  return late;
}

/** Letters that don't carry the record that they are about, byte for byte. */
function lettersWithoutOriginal(letters: readonly DeadLetter[], records: readonly LogRecord[]): string[] {
  const values = new Map(records.map((record) => [`${record.topic} ${placeOf(record)}`, record.value]));
  return letters
    .filter(({ originalValue, ...letter }) => {
      const value = values.get(`${letter.sourceTopic} ${positionOf(letter)}`);
      return !value || !originalValue || Buffer.compare(value, originalValue) !== 0;
    })
    .map(positionOf);
}

async function monitoredLag({ kafka, topics, groups }: World): Promise<number> {
  const admin = await openAdmin(kafka, silentLogger);
  const ends = await admin.endOffsets(topics.features);
  const committed = await admin.committedOffsets(groups.reducer, topics.features);
  await admin.close();
  const offsets = new Map(committed.map(({ partition, offset }) => [partition, offset]));
  return ends.reduce((lag, { partition, offset }) => lag + offset - (offsets.get(partition) ?? 0), 0);
}

function rssPeaks({ services }: World): Record<string, number> {
  const kinds = Map.groupBy(services, ({ kind }) => kind);
  return Object.fromEntries(
    [...kinds].map(([kind, members]) => [kind, Math.max(...members.map(({ rssPeakBytes }) => rssPeakBytes))]),
  );
}

/** How often each value is there. */
function countsOf(values: ReadonlyMap<string, string>): Record<string, number> {
  const same = Map.groupBy(values.values(), (value) => value);
  return Object.fromEntries([...same].map(([value, { length }]) => [value, length]));
}

interface Codec<Message> {
  decode(value: Uint8Array | null): Message;
}

function tryDecode<Message>(codec: Codec<Message>, { value }: LogRecord): Message | undefined {
  try {
    return codec.decode(value);
  } catch {
    return undefined;
  }
}

function placeOf({ partition, offset }: LogRecord): string {
  return `${partition}/${offset}`;
}

function positionOf({ sourcePartition, sourceOffset }: { sourcePartition: number; sourceOffset: number }): string {
  return `${sourcePartition}/${sourceOffset}`;
}

function doubled(names: readonly string[]): string[] {
  return names.toSorted().filter((name, index, sorted) => name === sorted[index - 1]);
}

function missing(wanted: readonly string[], there: readonly string[]): string[] {
  const known = new Set(there);
  return wanted.filter((name) => !known.has(name));
}
