import kafkajs, { type Message, type RecordMetadata } from "kafkajs";
import pLimit from "p-limit";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { NewRecord, PartitionOffset, PositionedProducer, ProducerOptions } from "../record-log.ts";
import { createKafka, fromKafkaError, type KafkaSettings, METADATA_AGE_MS_MAX, RETRY } from "./kafka-client.ts";
import { positionOf, requestsOf } from "./kafka-records.ts";

/** How the client's producer is set, whoever opens one. */
export const PRODUCER_CONFIG: kafkajs.ProducerConfig = {
  allowAutoTopicCreation: false,
  metadataMaxAge: METADATA_AGE_MS_MAX,
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: true,
  retry: RETRY,
};

/** How long an append waits for others, unless its producer was opened to wait longer. */
const LINGER_MS = 10;

/**
 * A producer that waits for all in-sync replicas. Requests follow one another, and appends to a topic that wait for
 * their turn go together, in the order of the calls; so that is the order within a partition. Appends that went together
 * fail together, and each may have taken effect then.
 *
 * It is idempotent (KIP-98): a request that the client repeats, because a leader moved or a reply was lost, is appended
 * once. After a failure that outlived the client's retries nobody knows whether the request took effect; a new producer
 * id then replaces the old, whose next sequence numbers the broker might take for those of the lost request, and drop.
 */
export async function openProducer(
  settings: KafkaSettings,
  logger: Logger,
  { lingerMs = LINGER_MS }: ProducerOptions = {},
): Promise<PositionedProducer> {
  const inTurn = pLimit(1);
  const waiting: WaitingAppend[] = [];
  let producer: kafkajs.Producer | undefined;

  const connect = async () => {
    const fresh = createKafka(settings, logger).producer(PRODUCER_CONFIG);
    try {
      await fresh.connect();
    } catch (error) {
      throw fromKafkaError(error, `connecting to ${settings.brokers.join(",")}`);
    }
    return fresh;
  };
  /** @returns where the last request's records begin. */
  const append = async (topic: string, records: readonly NewRecord[]): Promise<PartitionOffset | undefined> => {
    producer ??= await connect();
    try {
      let answer: RecordMetadata | undefined;
      for (const messages of requestsOf(records)) {
        const answers = await producer.send({ topic, acks: -1, messages });
        requireAnswered(topic, messages, answers);
        [answer] = answers;
      }
      return answer && positionOf(answer);
    } catch (error) {
      const failed = producer;
      producer = undefined;
      await failed.disconnect().catch(() => undefined);
      throw fromKafkaError(error, `appending ${records.length} records to "${topic}"`);
    }
  };

  /** Sends what has gathered for the topic of the append that waits longest. */
  const sendWaiting = async (): Promise<void> => {
    if (waiting.length === 0) return;
    await systemClock.sleep(lingerMs);
    const { topic } = waiting[0]!;
    const together = waiting.filter((one) => one.topic === topic);
    waiting.splice(0, waiting.length, ...waiting.filter((one) => one.topic !== topic));
    try {
      await append(
        topic,
        together.flatMap(({ records }) => records),
      );
      for (const { sent } of together) sent.resolve();
    } catch (error) {
      for (const { sent } of together) sent.reject(error);
    }
  };

  producer = await connect();
  return {
    append(topic, records) {
      const sent = Promise.withResolvers<void>();
      waiting.push({ topic, records, sent });
      void inTurn(sendWaiting);
      return sent.promise;
    },
    appendOne: (topic, record) => inTurn(() => append(topic, [record])),
    close: () => inTurn(async () => producer?.disconnect()),
  };
}

/** The client leaves out, in silence, what is for a partition that was added since it last asked for the topic's. */
function requireAnswered(topic: string, messages: readonly Message[], answers: readonly RecordMetadata[]): void {
  const answered = new Set(answers.map(({ partition }) => partition));
  const missing = messages.find(({ partition }) => partition !== undefined && !answered.has(partition));
  if (!missing) return;
  const message = `partition ${missing.partition} of "${topic}" is not known; append again`;
  throw new FruitstreamError("broker-unavailable", message);
}

interface WaitingAppend {
  readonly topic: string;
  readonly records: readonly NewRecord[];
  readonly sent: PromiseWithResolvers<void>;
}
