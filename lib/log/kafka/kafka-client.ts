import kafkajs from "kafkajs";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import { readFetchesOfAnyProducer } from "./batches/read-fetches.ts";
import { tolerateMissingLeaders } from "./missing-leaders.ts";
import { askForTopicIds } from "./topic-ids.ts";

// kafkajs is CommonJS, and not all of its names are visible to an import of names.
const { Kafka, KafkaJSError, logLevel } = kafkajs;

tolerateMissingLeaders();
askForTopicIds();
readFetchesOfAnyProducer();

export interface KafkaSettings {
  readonly brokers: readonly string[];
  /** Names the process in the broker's logs and quotas. */
  readonly clientId: string;
}

/**
 * One attempt's bounds. A request that gets no answer within its time-out is repeated on a new connection; after the
 * last attempt the caller's own retry takes over, which reports the wait.
 */
const CONNECT_MS_MAX = 5_000;
const REQUEST_MS_MAX = 30_000;
const ATTEMPTS_MAX = 5;
export const RETRY = { initialRetryTime: 100, maxRetryTime: 5_000, retries: ATTEMPTS_MAX } as const;

/** What is known of partitions and leaders is asked for anew so often: a partition that was away is found again by then. */
export const METADATA_AGE_MS_MAX = 10_000;

/** A Kafka client. Connects on first use. */
export function createKafka(settings: KafkaSettings, logger: Logger): kafkajs.Kafka {
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    connectionTimeout: CONNECT_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    retry: RETRY,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ log: { message, timestamp: _timestamp, logger: _logger, ...details }, namespace }) => {
        // The client's "errors" are attempts that it or we repeat, so none of them is an error in our terms.
        logger.debug({ event: "kafka_client", kafka: { namespace, ...details } }, `kafka client: ${message}`);
      },
  });
}

/** What the client threw, as one of our errors: its failures pass or are repeated, except those of authorisation. */
export function fromKafkaError(error: unknown, doing: string): unknown {
  if (!(error instanceof KafkaJSError) && !isCutOff(error)) return error;
  const type = protocolErrorOf(error);
  if (/AUTHORIZATION|SASL|AUTHENTICATION/.test(type)) {
    return new FruitstreamError("access-denied", `Kafka refused ${doing}: ${error.message}`, { cause: error });
  }
  if (type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE") {
    const message = `Kafka refused ${doing}: ${error.message}; raise the topic's max.message.bytes`;
    return new FruitstreamError("invalid-config", message, { cause: error });
  }
  return new FruitstreamError("broker-unavailable", `${doing} failed: ${error.message}`, { cause: error });
}

/**
 * The client throws plain errors when it would ask a broker that was cut off a moment before, and when it looks for the
 * topics in the answer of no broker at all.
 */
function isCutOff(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  return error.message === "Broker not connected" || (error instanceof TypeError && NO_METADATA.test(error.message));
}

const NO_METADATA = /'topicMetadata'.*\bnull\b|\bnull\b.*'topicMetadata'/;

/** The broker's error name, as `MESSAGE_TOO_LARGE`: kafkajs wraps the error that has it in others. */
function protocolErrorOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("type" in cause && typeof cause.type === "string") return cause.type;
  }
  return "";
}
