import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingHttpHeaders, type Server } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { closeServer, listen } from "#lib/http/status-server.ts";
import { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import { photoArrivedCodec } from "#lib/messages/avro/avro-codec.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { Health } from "#lib/runtime/health.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { PartWatch } from "#services/ingest/part-watch.ts";
import { createPhotoServer, type PhotoServerOptions } from "#services/ingest/photo-server.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";
import { MemoryRecordLog } from "../../../fakes/memory-record-log.ts";

const nowMs = Date.UTC(2025, 5, 1);
const clock = { nowMs: () => nowMs, sleep: async () => {} };
const jpeg = Buffer.concat([Buffer.from("ffd8ffe0", "hex"), Buffer.alloc(96, 7)]);
const options: PhotoServerOptions = {
  bucket: "photos",
  photoBytesMax: 1000,
  inFlightBytesMax: 1500,
  connectionsMax: 100,
  requestMsMax: 10_000,
  unlabelled: new RegExp(UNLABELLED_FOLDERS),
};

let store: ObjectStore;
let log: MemoryRecordLog;
let health: Health;
let server: Server;
let port: number;
let beforePut: () => Promise<void>;
let over: AbortController;

beforeEach(async () => {
  const memory = createMemoryObjectStore(["photos"]);
  beforePut = async () => {};
  store = {
    ...memory,
    async put(...call) {
      await beforePut();
      return await memory.put(...call);
    },
  };
  log = new MemoryRecordLog();
  await log.ensureTopics([{ topic: "photos", partitions: 2 }]);
  const announcer = new PhotoAnnouncer((records) => log.append("photos", records), clock);
  health = new Health(() => nowMs, ["s3", "kafka"]);
  over = new AbortController();
  const probe = () => Promise.reject(new Error("nothing answers"));
  const watching = { clock: systemClock, health, probe, signal: over.signal };
  const watches = { s3: new PartWatch("s3", watching), kafka: new PartWatch("kafka", watching) };
  server = createPhotoServer({ store, announcer, clock, health, watches, logger: silentLogger }, options);
  port = await listen(server, "127.0.0.1", 0);
});

afterEach(async () => {
  over.abort();
  server.closeAllConnections();
  await closeServer(server);
});

function announced() {
  return log.allRecordsOf("photos").map(({ value }) => photoArrivedCodec.decode(value));
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request and reads the answer; `agent: false` takes a connection of its own. */
async function send(
  method: string,
  path: string,
  body: Uint8Array = new Uint8Array(),
  headers: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const request = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent });
  request.end(body);
  const [response] = await once(request, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, headers: response.headers, body: text };
}

/** Sends bytes as they are and reads what comes back until the server closes or `until` has come. */
async function sendRaw(text: string, until: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text);
  let answer = "";
  for await (const chunk of socket) {
    answer += chunk;
    if (answer.includes(until)) break;
  }
  return answer;
}

describe("PUT /v1/photos/{label}/{name}", () => {
  it("stores and announces the photo, and answers with its address", async () => {
    const { status, body } = await send("PUT", "/v1/photos/Apple%20Red/1.jpg", jpeg);
    expect(status).toBe(201);
    const { etag } = (await store.head({ bucket: "photos", key: "photos/Apple Red/1.jpg" }))!;
    expect(JSON.parse(body)).toEqual({ uri: "s3://photos/photos/Apple Red/1.jpg", etag });
    expect(announced()).toEqual([
      {
        bucket: "photos",
        key: "photos/Apple Red/1.jpg",
        etag,
        sizeBytes: jpeg.length,
        label: "Apple Red",
        capturedAtMs: nowMs,
        capturedAtSource: "object",
        ingestedAtMs: nowMs,
        traceparent: null,
      },
    ]);
    expect(health.ready).toBe(true);
  });

  it("takes time and trace from the headers, where they are valid", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await send("PUT", "/v1/photos/kiwi/1.jpg", jpeg, { "x-captured-at": "2025-05-31T23:00:00+02:00", traceparent });
    await send("PUT", "/v1/photos/kiwi/2.jpg", jpeg, { "x-captured-at": "last week", traceparent: "00-zz" });
    const byKey = announced().sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(byKey[0]).toMatchObject({
      ...{ capturedAtMs: Date.UTC(2025, 4, 31, 21), capturedAtSource: "client" },
      traceparent,
    });
    expect(byKey[1]).toMatchObject({ ...{ capturedAtMs: nowMs, capturedAtSource: "object" }, traceparent: null });
  });

  it("announces photos of a folder that says nothing without a label", async () => {
    await send("PUT", "/v1/photos/inbox/1.jpg", jpeg);
    expect(announced()).toMatchObject([{ key: "photos/inbox/1.jpg", label: null }]);
  });

  it("answers only after Kafka has acknowledged", async () => {
    log.failAppends(1);
    const refused = await send("PUT", "/v1/photos/kiwi/1.jpg", jpeg);
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(health.parts.kafka).toMatchObject({ state: "waiting" });
    expect((await send("PUT", "/v1/photos/kiwi/1.jpg", jpeg)).status).toBe(201);
    expect(announced()).toHaveLength(1);
    expect(health.ready).toBe(true);
  });

  it("puts the client off while S3 is away, and announces nothing", async () => {
    beforePut = () => Promise.reject(new FruitstreamError("store-unavailable", "S3 is away"));
    const { status, body, headers } = await send("PUT", "/v1/photos/kiwi/1.jpg", jpeg);
    expect({ status, retryAfter: headers["retry-after"] }).toEqual({ status: 503, retryAfter: "5" });
    expect(body).not.toContain("S3 is away");
    expect(announced()).toEqual([]);
  });

  it("answers 500 and keeps the details to itself when no retry can help", async () => {
    beforePut = () => Promise.reject(new FruitstreamError("access-denied", "S3 refuses our key"));
    const { status, body } = await send("PUT", "/v1/photos/kiwi/1.jpg", jpeg);
    expect(status).toBe(500);
    expect(body).not.toContain("our key");
  });

  it.each([
    ["/v1/photos/kiwi/", 400, "the name must not be empty"],
    ["/v1/photos/%2E%2E/1.jpg", 400, "the label must not be a relative folder"],
    ["/v1/photos/a%2Fb/1.jpg", 400, "the label must not hold slashes"],
    ["/v1/photos/kiwi", 404, "PUT /v1/photos/{label}/{name}"],
    ["/", 404, "there is nothing here"],
  ])("refuses %s with %i and says why", async (path, status, why) => {
    const answer = await send("PUT", path, jpeg);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body).error).toContain(why);
    expect(announced()).toEqual([]);
  });

  it.each(["GET", "POST", "DELETE"])("refuses %s with 405", async (method) => {
    expect(await send(method, "/v1/photos/kiwi/1.jpg")).toMatchObject({ status: 405, headers: { allow: "PUT" } });
  });

  it.each([
    ["text", Buffer.from("this is no photo ".repeat(20))],
    ["nothing", Buffer.alloc(0)],
  ])("refuses a body of %s with 415", async (_, body) => {
    expect((await send("PUT", "/v1/photos/kiwi/1.jpg", body)).status).toBe(415);
    expect(await store.head({ bucket: "photos", key: "photos/kiwi/1.jpg" })).toBeUndefined();
  });

  it("refuses a body that is announced as too large before it has come", async () => {
    const head = "PUT /v1/photos/kiwi/1.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n";
    expect(await sendRaw(head, "\r\n\r\n")).toMatch(/^HTTP\/1.1 413 /);
  });

  it("refuses a body without announced size when it passes the bound", async () => {
    const head = "PUT /v1/photos/kiwi/1.jpg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `258\r\n${"\x7f".repeat(600)}\r\n`;
    const photo = `4\r\nGIF8\r\n2\r\n9a\r\n${chunk}${chunk}`;
    expect(await sendRaw(head + photo, "\r\n\r\n")).toMatch(/^HTTP\/1.1 413 /);
  });

  it("asks for the body only once it will be taken", async () => {
    const head = (bytes: number) =>
      `PUT /v1/photos/kiwi/1.jpg HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${bytes}\r\n\r\n`;
    expect(await sendRaw(head(1001), "\r\n\r\n")).toMatch(/^HTTP\/1.1 413 /);
    expect(await sendRaw(head(1000), "\r\n\r\n")).toMatch(/^HTTP\/1.1 100 /);
  });

  it("puts uploads off that would take more memory than allowed, and takes them afterwards", async () => {
    const { promise: reached, resolve: onReached } = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    beforePut = () => {
      onReached();
      return gate.promise;
    };
    const large = Buffer.concat([jpeg, Buffer.alloc(900)]);
    const first = send("PUT", "/v1/photos/kiwi/1.jpg", large);
    await reached;
    expect((await send("PUT", "/v1/photos/kiwi/2.jpg", large)).status).toBe(503);
    gate.resolve();
    expect((await first).status).toBe(201);
    expect((await send("PUT", "/v1/photos/kiwi/2.jpg", large)).status).toBe(201);
  });

  it("forgets a client that goes away, and works on", async () => {
    const socket = connect(port, "127.0.0.1");
    socket.write("PUT /v1/photos/kiwi/1.jpg HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf");
    await once(server, "request");
    socket.destroy();
    await once(socket, "close");
    const large = Buffer.concat([jpeg, Buffer.alloc(900)]);
    await expect.poll(async () => (await send("PUT", "/v1/photos/kiwi/2.jpg", large)).status).toBe(201);
    expect(announced()).toHaveLength(1);
  });

  it("lets requests in progress finish when it is closed, and closes their connections", async () => {
    const { promise: reached, resolve: onReached } = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    beforePut = () => {
      onReached();
      return gate.promise;
    };
    // Connections that nobody closes stay open for ever, and the server with them.
    server.keepAliveTimeout = 0;
    const agent = new Agent({ keepAlive: true });
    const upload = send("PUT", "/v1/photos/kiwi/1.jpg", jpeg, {}, agent);
    await reached;
    const closed = closeServer(server);
    gate.resolve();
    expect((await upload).status).toBe(201);
    await closed;
    agent.destroy();
  });
});

describe("the status paths", () => {
  it("tells what waits", async () => {
    health.report("s3", "waiting", "S3 is away");
    expect((await send("GET", "/livez")).status).toBe(200);
    expect(await send("GET", "/readyz")).toMatchObject({ status: 503, body: expect.stringContaining("S3 is away") });
    expect((await send("GET", "/metrics")).body).toContain("fruitstream_ingest_photos_total");
  });
});
