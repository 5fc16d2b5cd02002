import kafkajs from "kafkajs";
import { expect, test } from "vitest";
import { fromKafkaError } from "#lib/log/kafka/kafka-client.ts";

const protocolError = (type: string) => Object.assign(new kafkajs.KafkaJSProtocolError(new Error(type)), { type });

test.each([
  ["MESSAGE_TOO_LARGE", "invalid-config", "crash"],
  ["RECORD_LIST_TOO_LARGE", "invalid-config", "crash"],
  ["TOPIC_AUTHORIZATION_FAILED", "access-denied", "crash"],
  ["SASL_AUTHENTICATION_FAILED", "access-denied", "crash"],
  ["NOT_LEADER_FOR_PARTITION", "broker-unavailable", "retry"],
])("%s, however kafkajs wraps it, is %s", (type, code, fate) => {
  const bare = protocolError(type);
  const wrap = (cause: Error) => Object.assign(new kafkajs.KafkaJSNonRetriableError(cause), { cause });
  for (const error of [bare, wrap(bare), wrap(wrap(bare))]) {
    expect(fromKafkaError(error, "appending")).toMatchObject({ code, fate });
  }
});

test.each([
  ["a broker that was cut off a moment before", () => Promise.reject(new Error("Broker not connected"))],
  ["no broker that answers, to a listing of topics", async () => noMetadata().topicMetadata],
  ["no broker that answers, to a look at topics", async () => destructured(noMetadata())],
])("%s is broker-unavailable", async (_, ask) => {
  const error = await ask().catch((thrown) => thrown);
  expect(error).toBeInstanceOf(Error);
  expect(fromKafkaError(error, "appending")).toMatchObject({ code: "broker-unavailable", cause: error });
});

test("what is not of the client is passed on as it is", () => {
  const bug = new TypeError("a bug");
  expect(fromKafkaError(bug, "appending")).toBe(bug);
});

/** What the client's cluster gives for metadata when none of its brokers can be connected. */
function noMetadata(): { topicMetadata: unknown } {
  return null as unknown as { topicMetadata: unknown };
}

function destructured({ topicMetadata }: { topicMetadata: unknown }): unknown {
  return topicMetadata;
}
