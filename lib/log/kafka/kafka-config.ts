import { z } from "zod";
import { setting } from "#lib/runtime/config.ts";

const brokers = z.codec(
  z.string().refine((text) => text.split(",").every(isBroker), "must be host:port, several separated by commas"),
  z.array(z.string().refine(isBroker, "must be a list of host:port")).min(1).readonly(),
  { decode: (text) => text.split(","), encode: (list) => list.join(",") },
);

/** The environment variable that says how to reach Kafka. Part of every service's configuration. */
export const kafkaConfig = {
  kafkaBrokers: setting("KAFKA_BROKERS", brokers.describe("bootstrap servers, host:port separated by commas")),
};

function isBroker(text: string): boolean {
  const [, port] = /^\[?[^\s/,]+\]?:(\d+)$/.exec(text) ?? [];
  return Number(port) > 0 && Number(port) < 65_536;
}
