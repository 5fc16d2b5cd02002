import kafkajs from "kafkajs";
import { createKafka } from "#lib/log/kafka/kafka-client.ts";
import { PRODUCER_CONFIG } from "#lib/log/kafka/kafka-producer.ts";
import { readTopic } from "#lib/log/kafka/read-topic.ts";
import type { NewRecord } from "#lib/log/record-log.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { BenchContext } from "../bench.ts";
import { cpuMsOf } from "../measure/own-cpu.ts";
import { cpuBetween, readUse } from "../measure/process-meter.ts";
import { BenchPipeline } from "../pipeline/bench-pipeline.ts";
import { type KafkaCodec, registerCodec } from "./kafka-codecs.ts";

/** By vector; CPU of the bench's process as the client, and of the broker's. */
export interface BrokerFigure {
  readonly produceClientMs: number;
  readonly produceBrokerMs: number;
  readonly consumeClientMs: number;
  readonly consumeBrokerMs: number;
  /** Of the partition's log on the broker's disk. */
  readonly diskBytes: number;
}

// kafkajs is CommonJS, and not all of its names are visible to an import of names.
const { CompressionTypes } = kafkajs;

/**
 * Appends batches to a new topic, one request each, and reads the topic from its beginning to its end.
 *
 * @param codec undefined leaves the records as they are.
 */
export async function measureBroker(
  context: BenchContext,
  batches: readonly (readonly NewRecord[])[],
  codec: KafkaCodec | undefined,
): Promise<BrokerFigure> {
  if (codec) registerCodec(codec);
  const pipeline = await BenchPipeline.open(context, { name: "compression", partitions: 1 });
  const { stack, topics } = pipeline;
  const vectors = batches.reduce((sum, { length }) => sum + length, 0);
  const pids = { broker: stack.serverPids.broker! };
  const measure = async (work: () => Promise<void>) => {
    const before = await readUse(pids);
    const clientMs = await cpuMsOf(work);
    const brokerMs = 1_000 * cpuBetween(before, await readUse(pids)).broker!;
    return { clientMs: clientMs / vectors, brokerMs: brokerMs / vectors };
  };

  await using opened = new AsyncDisposableStack();
  opened.defer(() => pipeline.close());
  const produced = await measure(() => produce(pipeline, batches, codec));
  let read = 0;
  const consumed = await measure(() => readTopic(stack.kafka, topics.features, silentLogger, () => void read++));
  if (read !== vectors) {
    throw new FruitstreamError("stack-unavailable", `${pipeline.id}: ${read} of ${vectors} records came back`);
  }
  return {
    produceClientMs: produced.clientMs,
    produceBrokerMs: produced.brokerMs,
    consumeClientMs: consumed.clientMs,
    consumeBrokerMs: consumed.brokerMs,
    diskBytes: (await stack.logBytes(topics.features)) / vectors,
  };
}

/** With the settings of the services' own producer, which knows no compression. */
async function produce(
  { stack, topics }: BenchPipeline,
  batches: readonly (readonly NewRecord[])[],
  codec: KafkaCodec | undefined,
): Promise<void> {
  const producer = createKafka(stack.kafka, silentLogger).producer(PRODUCER_CONFIG);
  await producer.connect();
  try {
    for (const batch of batches) {
      const messages = batch.map(({ key, value }) => ({
        partition: 0,
        key: key && Buffer.from(key),
        value: Buffer.from(value),
      }));
      const compression = codec?.type ?? CompressionTypes.None;
      await producer.send({ topic: topics.features, acks: -1, compression, messages });
    }
  } finally {
    await producer.disconnect();
  }
}
