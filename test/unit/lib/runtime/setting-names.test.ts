import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { COMPOSE_NAMES, describeUnknownSettings, SETTING_NAMES } from "#lib/runtime/setting-names.ts";

describe("describeUnknownSettings", () => {
  test.each([
    ["S3_ENDPONT", "S3_ENDPOINT"],
    ["S3_ENDPOINT_URL", "S3_ENDPOINT"],
    ["KAFKA_BROKER", "KAFKA_BROKERS"],
    ["KAFKA_BORKERS", "KAFKA_BROKERS"],
    ["TOPIC_PARTITION", "TOPIC_PARTITIONS"],
    ["TABLE_URL", "TABLE_URI"],
    ["PHOTOS_BUKET", "PHOTOS_BUCKET"],
    ["HTTP_PROT", "HTTP_PORT"],
    ["LOG_LEVL", "LOG_LEVEL"],
    ["FEATURIZER_WORKER", "FEATURIZER_WORKERS"],
    ["REDUCER_WINDOW_ROWS", "REDUCER_WINDOW_ROWS_MAX"],
    ["INGEST_REQUEST_MS", "INGEST_REQUEST_MS_MAX"],
    ["FRUITSTREAM_STACKDIR", "FRUITSTREAM_STACK_DIR"],
  ])("%s is answered with %s", (name, nearest) => {
    const sentence = `${name} is not a setting; did you mean ${nearest}? Correct or unset it`;
    expect(describeUnknownSettings({ [name]: "1" })).toEqual([sentence]);
  });

  test.each([
    // Kafka's tools and images.
    {
      KAFKA_OPTS: "-Dx=y",
      KAFKA_HEAP_OPTS: "-Xmx1g",
      KAFKA_LOG4J_OPTS: "",
      KAFKA_HOME: "/opt/kafka",
      KAFKA_DEBUG: "y",
    },
    { KAFKA_NODE_ID: "1", KAFKA_BROKER_ID: "1", KAFKA_LISTENERS: "PLAINTEXT://:9092", KAFKA_PROCESS_ROLES: "broker" },
    // Other software's.
    { HTTP_PROXY: "http://proxy:3128", HTTP_TIMEOUT: "5", LOG_FILE: "/tmp/log", LOG_FORMAT: "json", AWS_REGION: "x" },
    // Kubernetes, for services named kafka, s3, featurizer and table-api.
    {
      KAFKA_PORT: "tcp://10.0.0.1:9092",
      KAFKA_SERVICE_HOST: "10.0.0.1",
      KAFKA_SERVICE_PORT: "9092",
      KAFKA_SERVICE_PORT_CLIENTS: "9092",
      KAFKA_PORT_9092_TCP: "tcp://10.0.0.1:9092",
      KAFKA_PORT_9092_TCP_PROTO: "tcp",
      KAFKA_PORT_9092_TCP_PORT: "9092",
      KAFKA_PORT_9092_TCP_ADDR: "10.0.0.1",
      S3_PORT: "tcp://10.0.0.2:9000",
      S3_SERVICE_HOST: "10.0.0.2",
      S3_SERVICE_PORT: "9000",
      FEATURIZER_PORT: "udp://10.0.0.3:8080",
      FEATURIZER_PORT_8080_UDP_ADDR: "10.0.0.3",
      TABLE_API_SERVICE_PORT_HTTP: "80",
    },
  ])("lets the variables of other software be: %j", (env) => {
    expect(describeUnknownSettings(env)).toEqual([]);
  });

  test("a port without a protocol is no service link", () => {
    expect(describeUnknownSettings({ S3_PORT: "9000" })).toEqual([expect.stringContaining("S3_PORT is not a setting")]);
  });
});

test("what docker-compose.yml takes from the shell is known", () => {
  const compose = readFileSync(new URL("../../../../docker-compose.yml", import.meta.url), "utf8");
  const taken = [...compose.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => name!);
  expect(taken).toContain("INGEST_PORT");
  expect(describeUnknownSettings(Object.fromEntries(taken.map((name) => [name, "1"])))).toEqual([]);
  const known: readonly string[] = SETTING_NAMES;
  for (const name of COMPOSE_NAMES) {
    expect(taken).toContain(name);
    expect(known).not.toContain(name);
  }
});
