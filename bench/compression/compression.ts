import type { NewRecord } from "#lib/log/record-log.ts";
import { type Bench, type BenchContext, sized } from "../bench.ts";
import { interleave } from "../measure/interleave.ts";
import { type Summary, summarise, summariseBy } from "../measure/statistics.ts";
import { readSample } from "../pipeline/photo-sample.ts";
import type { FigureTable } from "../report/bench-report.ts";
import { KAFKA_CODECS, type KafkaCodec } from "./kafka-codecs.ts";
import { type BrokerFigure, measureBroker } from "./measure-broker.ts";
import { type CodecFigure, measureCodec } from "./measure-codec.ts";
import { encodeRecords } from "./record-batch.ts";
import { vectorRecords } from "./vector-records.ts";

/** A full batch: what one partition has in a request while the featurizer catches up. Smaller ones compress less. */
const BATCH_RECORDS = 32;

/** What compressing the vectors on the topic saves, and what it costs. */
export const compressionBench: Bench = {
  name: "compression",
  title: "Compression of the vectors on the topic",
  async run(context) {
    const photosMax = sized(context, { full: 800, usual: 800, quick: 64 });
    const photos = (await readSample(context.photosFolder)).slice(0, photosMax);
    context.tell(`compression: computing the vectors of ${photos.length} photos`);
    const records = await vectorRecords(context, photos);
    const batches = batchesOf(records);
    const codecs = await measureCodecs(context, batches, records.length);
    const best = cheapest(codecs);
    const repeats = sized(context, { full: 5, usual: 5, quick: 1 });
    const broker = best && (await measureThroughBroker(context, Array(repeats).fill(batches).flat(), best.codec));
    return {
      method: `The vectors of ${records.length} photos by ${context.model.id}, each as its Avro message, ${BATCH_RECORDS} records in a batch. First every codec by itself, in turns, in the bench's process: Node's own gzip and zstd, over the records of each batch as Kafka lays them out; CPU of all threads. Then uncompressed, and the codec that takes the least CPU for each byte it saves, in turns through the broker: ${repeats * records.length} vectors are appended to a new topic of one partition, one batch a request, by kafkajs as the services' producer sets it, and read from its beginning to its end as the services read a topic; connecting and joining the group are in it. The broker opens a compressed batch to stamp and check it, and keeps it as it came. Snappy and LZ4 are left out: kafkajs has neither without another package.`,
      tables: [codecTable(codecs), ...(best && broker ? [brokerTable(best, broker)] : [])],
      plots: [],
      notes: best ? [] : ["No codec makes the batches smaller, so none was taken through the broker."],
    };
  },
};

interface MeasuredCodec {
  /** Undefined leaves the records as they are. */
  readonly codec: KafkaCodec | undefined;
  readonly bytes: number;
  readonly compressMs: Summary | undefined;
  readonly decompressMs: Summary | undefined;
}

type Compressed = MeasuredCodec & { readonly codec: KafkaCodec };

function batchesOf(records: readonly NewRecord[]): NewRecord[][] {
  return Array.from({ length: Math.ceil(records.length / BATCH_RECORDS) }, (_, index) =>
    records.slice(index * BATCH_RECORDS, (index + 1) * BATCH_RECORDS),
  );
}

async function measureCodecs(
  context: BenchContext,
  batches: readonly (readonly NewRecord[])[],
  vectors: number,
): Promise<MeasuredCodec[]> {
  const encoded = batches.map(encodeRecords);
  const sides: Record<string, () => Promise<CodecFigure>> = Object.fromEntries(
    KAFKA_CODECS.map((codec) => [codec.name, () => measureCodec(codec, encoded, vectors)]),
  );
  const rounds = await interleave(sized(context, { full: 7, usual: 5, quick: 1 }), sides, (side, round) =>
    context.tell(`compression: ${side}, round ${round}`),
  );
  const plain = encoded.reduce((sum, { byteLength }) => sum + byteLength, 0) / vectors;
  return [
    { codec: undefined, bytes: plain, compressMs: undefined, decompressMs: undefined },
    ...KAFKA_CODECS.map((codec) => ({
      codec,
      bytes: rounds[codec.name]![0]!.bytes,
      compressMs: summariseBy(rounds[codec.name]!, (round) => round.compressMs),
      decompressMs: summariseBy(rounds[codec.name]!, (round) => round.decompressMs),
    })),
  ];
}

/** Of the codecs that save anything, the one that takes the least CPU for each byte saved. */
function cheapest([plain, ...codecs]: readonly MeasuredCodec[]): Compressed | undefined {
  const price = ({ bytes, compressMs, decompressMs }: MeasuredCodec) =>
    (compressMs!.median + decompressMs!.median) / (plain!.bytes - bytes);
  const saving = codecs.filter((one): one is Compressed => one.codec !== undefined && one.bytes < plain!.bytes);
  return saving.toSorted((a, b) => price(a) - price(b))[0];
}

function codecTable(codecs: readonly MeasuredCodec[]): FigureTable {
  return {
    caption: "Codecs by themselves, by vector.",
    columns: ["codec", "bytes", "of uncompressed", "CPU-ms to compress", "CPU-ms to decompress"],
    rows: codecs.map(({ codec, bytes, compressMs, decompressMs }) => [
      codec?.name ?? "none",
      bytes,
      bytes / codecs[0]!.bytes,
      compressMs,
      decompressMs,
    ]),
  };
}

type BrokerRounds = Readonly<Record<"plain" | "compressed", BrokerFigure[]>>;

async function measureThroughBroker(
  context: BenchContext,
  batches: readonly (readonly NewRecord[])[],
  codec: KafkaCodec,
): Promise<BrokerRounds> {
  const sides = {
    plain: () => measureBroker(context, batches, undefined),
    compressed: () => measureBroker(context, batches, codec),
  };
  context.tell("compression: through the broker, to warm up");
  for (const side of Object.values(sides)) await side();
  return interleave(sized(context, { full: 5, usual: 3, quick: 1 }), sides, (side, round) =>
    context.tell(`compression: through the broker, ${side}, round ${round}`),
  );
}

function brokerTable({ codec }: Compressed, { plain, compressed }: BrokerRounds): FigureTable {
  const row = (name: string, of: (figure: BrokerFigure) => number) => [
    name,
    summariseBy(plain, of),
    summariseBy(compressed, of),
    summarise(compressed.map((figure, round) => of(figure) / of(plain[round]!))),
  ];
  return {
    caption: "Through the broker, by vector.",
    columns: ["figure", "none", codec.name, "ratio"],
    rows: [
      row("CPU-ms to produce, client", (figure) => figure.produceClientMs),
      row("CPU-ms to produce, broker", (figure) => figure.produceBrokerMs),
      row("CPU-ms to consume, client", (figure) => figure.consumeClientMs),
      row("CPU-ms to consume, broker", (figure) => figure.consumeBrokerMs),
      row("CPU-ms, all together", sumOfCpu),
      row("bytes on the broker's disk", (figure) => figure.diskBytes),
    ],
  };
}

function sumOfCpu(figure: BrokerFigure): number {
  return figure.produceClientMs + figure.produceBrokerMs + figure.consumeClientMs + figure.consumeBrokerMs;
}
