import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { Clock } from "#lib/runtime/clock.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { DEFAULT_S3_LIMITS, openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";

const photo = { bucket: "photos", key: "apple/1.jpg" };
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe("openS3ObjectStore", () => {
  it.each([
    [404, "NoSuchKey", "not-found"],
    [404, "NoSuchBucket", "invalid-config"],
    [404, "NotFound", "invalid-config"],
    [403, "InvalidObjectState", "unreadable-object"],
    [400, "InvalidRequest", "unreadable-object"],
    [400, "KMS.DisabledException", "unreadable-object"],
    [301, "PermanentRedirect", "invalid-config"],
    [400, "ExpiredToken", "access-denied"],
    [403, "InvalidAccessKeyId", "access-denied"],
    [403, "AllAccessDisabled", "access-denied"],
    [400, "InvalidBucketName", "not-found"],
    [412, "PreconditionFailed", "etag-changed"],
    [403, "AccessDenied", "access-denied"],
    [403, "SignatureDoesNotMatch", "access-denied"],
    [400, "AuthorizationHeaderMalformed", "invalid-config"],
    [408, "RequestTimeout", "store-unavailable"],
    [429, "TooManyRequests", "store-unavailable"],
    [500, "InternalError", "store-unavailable"],
    [503, "SlowDown", "store-unavailable"],
  ])("turns %i %s into %s, with the server's answer as cause", async (status, name, code) => {
    const store = await storeAt((_, response) => response.writeHead(status).end(errorBody(name)));
    await expect(store.get(photo, { bytesMax: 10 })).rejects.toMatchObject({ code, cause: { name } });
  });

  it.each([
    ["bucket", { ...photo, bucket: "" }, "etag"],
    ["bucket", { ...photo, bucket: "arn:nothing" }, "etag"],
    ["etag", photo, "two\nlines"],
    ["etag", photo, "€"],
  ])("can't read an object whose %s is malformed, and says so (%o, %j)", async (_, location, ifMatch) => {
    const store = await storeAt((_, response) => void response.end("body"));
    await expect(store.get(location, { bytesMax: 10, ifMatch })).rejects.toMatchObject({ code: "unreadable-object" });
  });

  it("leaves a refusal of one object to reads: writing to a bucket of another region is a wrong setting", async () => {
    const store = await storeAt((request, response) => {
      request.resume().on("end", () => void response.writeHead(301).end(errorBody("PermanentRedirect")));
    });
    await expect(store.put(photo, new Uint8Array(3))).rejects.toMatchObject({ code: "invalid-config" });
  });

  it("says what else a refused access may mean", async () => {
    const store = await storeAt((_, response) => response.writeHead(403).end(errorBody("AccessDenied")));
    await expect(store.get(photo, { bytesMax: 10 })).rejects.toThrow(/missing key too where s3:ListBucket is not/);
  });

  it("takes a gateway's page of HTML for an unavailable store", async () => {
    const store = await storeAt((_, response) => response.writeHead(502).end("<html>Bad Gateway"));
    await expect(store.head(photo)).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("takes a listing that breaks off for an unavailable store", async () => {
    const store = await storeAt((_, response) => response.end("<ListBucketResult><Contents><Key>a"));
    await expect(firstOf(store.list("photos", ""))).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("says store-unavailable when nobody listens", async () => {
    const { port, close } = await serve(() => {});
    close();
    const store = openAt(port);
    await expect(store.head(photo)).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("says store-unavailable when the body breaks off", async () => {
    const store = await storeAt((_, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("only this", () => response.destroy());
    });
    await expect(store.get(photo, { bytesMax: 2000 })).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("gives up on a body that stands still", async () => {
    const store = await storeAt(
      (_, response) => void response.writeHead(200, { "content-length": 1000 }).write("and then nothing"),
      { idleMsMax: 50 },
    );
    await expect(store.get(photo, { bytesMax: 2000 })).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("gives up on a body that trickles past the deadline", async () => {
    const store = await storeAt(
      (_, response) => {
        response.writeHead(200, { "content-length": 1_000_000 });
        const trickle = setInterval(() => response.write("."), 5);
        response.on("close", () => clearInterval(trickle));
      },
      { operationMsMax: 100 },
    );
    await expect(store.get(photo, { bytesMax: 2_000_000 })).rejects.toMatchObject({ code: "store-unavailable" });
  });

  it("stops reading when the caller aborts, with the caller's reason", async () => {
    const caller = new AbortController();
    const reason = new Error("rebalanced");
    const store = await storeAt((_, response) => {
      response.writeHead(200, { "content-length": 1000 }).write("some");
      caller.abort(reason);
    });
    await expect(store.get(photo, { bytesMax: 2000, signal: caller.signal })).rejects.toBe(reason);
  });

  it("does not read an object that is announced as too large, and goes on working", async () => {
    let sentAll = false;
    const store = await storeAt((request, response) => {
      if (request.url?.startsWith("/photos/small")) return void response.end("ok");
      response.writeHead(200, { "content-length": 100_000_000 });
      response.write(Buffer.alloc(1000));
      response.on("finish", () => {
        sentAll = true;
      });
    });
    await expect(store.get(photo, { bytesMax: 10 })).rejects.toMatchObject({ code: "too-large" });
    expect(sentAll).toBe(false);
    const { bytes } = await store.get({ bucket: "photos", key: "small" }, { bytesMax: 10 });
    expect(Buffer.from(bytes).toString()).toBe("ok");
  });

  it("stops at the bound when the size was not announced", async () => {
    const store = await storeAt((_, response) => {
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(10_000)));
      };
      response.on("drain", fill);
      fill();
    });
    await expect(store.get(photo, { bytesMax: 50_000 })).rejects.toMatchObject({ code: "too-large" });
  });

  describe("a put-if-absent", () => {
    const isUnavailable = { code: "store-unavailable" };
    const notSupported = {
      code: "invalid-config",
      message: expect.stringMatching(
        /does not support this request .*commits need conditional writes \(If-None-Match\)/,
      ),
    };
    it.each<[whose: string, answers: Answer[], outcome: boolean | object]>([
      ["any server's, where nothing was", [[200]], true],
      ["AWS's, where something is", [[412, "PreconditionFailed"]], false],
      [
        "AWS's, beside a writer that wins",
        [
          [409, "ConditionalRequestConflict"],
          [412, "PreconditionFailed"],
        ],
        false,
      ],
      ["AWS's, beside a writer that breaks off", [[409, "ConditionalRequestConflict"], [200]], true],
      ["AWS's, beside one delete after another", [...conflicts(7), [200]], true],
      ["AWS's, where conflicts do not end", conflicts(8), isUnavailable],
      ["AWS's, under load", [[503, "SlowDown"], [200]], true],
      [
        "AWS's, under load that goes on",
        [
          [503, "SlowDown"],
          [503, "SlowDown"],
        ],
        isUnavailable,
      ],
      [
        "AWS's, whose first answer was lost",
        [
          [500, "InternalError"],
          [412, "PreconditionFailed"],
        ],
        false,
      ],
      ["R2's, where something is", [[412, "PreconditionFailed"]], false],
      [
        "R2's, of a key written to more than once a second",
        [
          [429, "TooManyRequests"],
          [412, "PreconditionFailed"],
        ],
        false,
      ],
      [
        "R2's, where that goes on",
        [
          [429, "TooManyRequests"],
          [429, "TooManyRequests"],
        ],
        isUnavailable,
      ],
      ["S3Proxy's and versitygw's, where something is", [[412, "PreconditionFailed"]], false],
      ["an answer without a body, where something is", [[412]], false],
      ["a conflict without a body", [[409], [412]], false],
      ["a conflict of another name that does not end", conflicts(8, "Conflict"), isUnavailable],
      ["one of a server that knows no conditions", [[501, "NotImplemented"]], notSupported],
      ["one of a proxy that knows no such header", [[400, "InvalidArgument"]], { code: "invalid-config" }],
      ["one that a policy forbids", [[403, "AccessDenied"]], { code: "access-denied" }],
    ])("takes this answer as it is meant: %s", async (_, answers, outcome) => {
      const store = await storeAnswering([...answers]);
      const put = store.putIfAbsent(photo, new Uint8Array(3));
      if (typeof outcome === "boolean") expect(await put).toBe(outcome);
      else await expect(put).rejects.toMatchObject(outcome);
    });

    it("keeps no credentials where a conflict does not end", async () => {
      const store = await storeAnswering(conflicts(8));
      const thrown = await store.putIfAbsent(photo, new Uint8Array(3)).catch((error) => error);
      expect(inspect(thrown, { depth: 9, showHidden: true })).not.toMatch(/the-identity|the-secret/);
    });

    it("is conditional in every attempt", async () => {
      const conditions: unknown[] = [];
      const answers: Answer[] = [
        [503, "SlowDown"],
        [409, "ConditionalRequestConflict"],
        [412, "PreconditionFailed"],
      ];
      const store = await storeAnswering(answers, ({ headers }) => conditions.push(headers["if-none-match"]));
      expect(await store.putIfAbsent(photo, new Uint8Array(3))).toBe(false);
      expect(conditions).toEqual(["*", "*", "*"]);
    });
  });

  it("takes one object that a server does not know how to read for that object's fault", async () => {
    const store = await storeAt((_, response) => response.writeHead(501).end(errorBody("NotImplemented")));
    await expect(store.get(photo, { bytesMax: 10 })).rejects.toMatchObject({ code: "unreadable-object" });
  });

  it("reads keys as they are from a server that knows no key encoding", async () => {
    const store = await storeAt((_, response) =>
      response.end("<ListBucketResult><Contents><Key>100%+a b.jpg</Key><Size>1</Size></Contents></ListBucketResult>"),
    );
    const object = await firstOf(store.list("photos", ""));
    expect(object).toMatchObject({ key: "100%+a b.jpg", sizeBytes: 1 });
  });

  it("decodes keys of a server that encodes them, blanks as plus signs included", async () => {
    const store = await storeAt((_, response) =>
      response.end(
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a+b%2Bc%25.jpg</Key></Contents></ListBucketResult>",
      ),
    );
    const object = await firstOf(store.list("photos", ""));
    expect(object?.key).toBe("a b+c%.jpg");
  });

  it("names endpoint, bucket and key in its messages, and keeps no credentials in its causes", async () => {
    const { port } = await serve((_, response) => response.writeHead(403).end(errorBody("AccessDenied")));
    const store = openAt(port);
    const error: Error = await store.get(photo, { bytesMax: 1 }).then(
      () => expect.fail("access must be refused"),
      (thrown) => thrown,
    );
    expect(error.message).toContain(`s3://photos/apple/1.jpg at http://127.0.0.1:${port}`);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/the-identity|the-secret/);
  });
});

type Answer = readonly [status: number, name?: string];

function conflicts(count: number, name = "ConditionalRequestConflict"): Answer[] {
  return Array.from({ length: count }, () => [409, name] as const);
}

/** A server that gives these answers, one a request, and no other. */
async function storeAnswering(answers: Answer[], onRequest = (_: IncomingMessage): void => {}): Promise<ObjectStore> {
  return await storeAt((request, response) => {
    onRequest(request);
    request.resume().on("end", () => {
      const [status, name] = answers.shift() ?? [400, "OneRequestTooMany"];
      response.writeHead(status).end(name && errorBody(name));
    });
  });
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

const noWait: Clock = { nowMs: () => 0, sleep: async () => {} };

async function storeAt(listener: RequestListener, limits: Partial<typeof DEFAULT_S3_LIMITS> = {}) {
  return openAt((await serve(listener)).port, limits);
}

function openAt(port: number, limits: Partial<typeof DEFAULT_S3_LIMITS> = {}): ObjectStore {
  const store = openS3ObjectStore(
    {
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      accessKeyId: "the-identity",
      secretAccessKey: "the-secret",
      forcePathStyle: true,
    },
    { ...DEFAULT_S3_LIMITS, ...limits },
    noWait,
  );
  closers.push(() => store.close());
  return store;
}

async function serve(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  closers.push(close);
  return { port: (server.address() as AddressInfo).port, close };
}

function errorBody(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as told</Message></Error>`;
}
