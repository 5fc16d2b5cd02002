import { createRequire } from "node:module";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import "#lib/log/kafka/kafka-client.ts";
import { decodeMetadata, topicIdOf } from "#lib/log/kafka/topic-ids.ts";

/** A broker's answer of version 10: one topic with two partitions, tagged fields where they may be. */
const ANSWER = Buffer.concat([
  Buffer.from("00", "hex"),
  int(4, 7),
  Buffer.from("02", "hex"),
  int(4, 1),
  text("localhost"),
  int(4, 9_092),
  Buffer.from("00", "hex"),
  Buffer.from("01000101", "hex"),
  text("cluster"),
  int(4, 1),
  Buffer.from("02", "hex"),
  int(2, 0),
  text("photos"),
  Buffer.from("00112233445566778899aabbccddeeff", "hex"),
  Buffer.from("00", "hex"),
  Buffer.from("03", "hex"),
  partition(0, 0),
  partition(1, 5),
  int(4, -2_147_483_648),
  Buffer.from("00", "hex"),
  int(4, -2_147_483_648),
  Buffer.from("00", "hex"),
]);

/** Behind the topics comes what nobody needs. */
const UNREAD_BYTES = 5;

interface Client {
  versions: string[];
  protocol(asked: { version: number }): (asked: { topics: string[] }) => {
    request: { apiVersion: number; encode(): Promise<{ buffer: Buffer }> };
  };
}
let client: Client;

beforeAll(() => {
  client = createRequire(import.meta.url)("kafkajs/src/protocol/requests/metadata/index.js") as Client;
});

describe("metadata with topics' ids", () => {
  test("are read as the client has them, and each partition has its topic's id", () => {
    const { brokers, clusterId, controllerId, clientSideThrottleTime, topicMetadata } = decodeMetadata(ANSWER);
    expect({ clusterId, controllerId, clientSideThrottleTime }).toEqual({
      clusterId: "cluster",
      controllerId: 1,
      clientSideThrottleTime: 7,
    });
    expect(brokers).toEqual([{ nodeId: 1, host: "localhost", port: 9_092, rack: null }]);
    const [topic] = topicMetadata;
    expect(topic).toMatchObject({ topic: "photos", topicErrorCode: 0, isInternal: false });
    expect(topic!.partitionMetadata).toMatchObject([
      { partitionId: 0, partitionErrorCode: 0, leader: 1, replicas: [1, 2], isr: [1], offlineReplicas: [] },
      { partitionId: 1, partitionErrorCode: 5 },
    ]);
    expect(topicIdOf(topic!.partitionMetadata)).toBe("ABEiM0RVZneImaq7zN3u_w");
  });

  test("an id of zeros is none", () => {
    const at = ANSWER.indexOf("00112233445566778899aabbccddeeff", 0, "hex");
    const bytes = Buffer.concat([ANSWER.subarray(0, at), Buffer.alloc(16), ANSWER.subarray(at + 16)]);
    expect(topicIdOf(decodeMetadata(bytes).topicMetadata[0]!.partitionMetadata)).toBeUndefined();
  });

  test("cut short anywhere are an error", () => {
    fc.assert(
      fc.property(fc.nat(ANSWER.length - UNREAD_BYTES - 1), (length) => {
        expect(() => decodeMetadata(ANSWER.subarray(0, length))).toThrow(RangeError);
      }),
    );
  });

  test("are asked for by name, without creating the topic, and of older brokers in the client's own versions", async () => {
    const { request } = client.protocol({ version: 10 })({ topics: ["photos"] });
    const topic = `02${"00".repeat(16)}07${Buffer.from("photos").toString("hex")}00`;
    expect((await request.encode()).buffer.toString("hex")).toBe(`00${topic}00000000`);
    const all = client.protocol({ version: 10 })({ topics: [] }).request;
    expect((await all.encode()).buffer.toString("hex")).toBe("000000000000");
    for (const version of [6, 7, 9]) expect(client.protocol({ version })({ topics: [] }).request.apiVersion).toBe(6);
    expect(Math.max(...client.versions.map(Number))).toBe(10);
  });
});

function partition(id: number, errorCode: number): Buffer {
  const nodes = [
    Buffer.from("03", "hex"),
    int(4, 1),
    int(4, 2),
    Buffer.from("02", "hex"),
    int(4, 1),
    Buffer.from("01", "hex"),
  ];
  return Buffer.concat([int(2, errorCode), int(4, id), int(4, 1), int(4, 0), ...nodes, Buffer.from("00", "hex")]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length + 1]), Buffer.from(value)]);
}

function int(width: number, value: number): Buffer {
  const bytes = Buffer.alloc(width);
  bytes.writeIntBE(value, 0, width);
  return bytes;
}
