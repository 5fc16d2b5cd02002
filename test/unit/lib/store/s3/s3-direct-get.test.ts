import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { S3Client } from "@aws-sdk/client-s3";
import { afterEach, describe, expect, it } from "vitest";
import { type DirectGet, openDirectGet } from "#lib/store/s3/s3-direct-get.ts";
import { DEFAULT_S3_LIMITS } from "#lib/store/s3/s3-object-store.ts";

const photo = { bucket: "photos", key: "apple/1.jpg" };
const closers: (() => void)[] = [];
const never = new AbortController().signal;

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

describe("openDirectGet", () => {
  it("signs the request, conditional on the etag, and reads the object", async () => {
    const seen: IncomingMessage[] = [];
    const direct = await directAt((request, response) => {
      seen.push(request);
      response.writeHead(200, { etag: '"e1"', "content-length": 4 }).end("body");
    });
    const location = { bucket: "photos", key: "prix d'été/50 %+(1)!.jpg" };
    const object = await direct.get(location, { bytesMax: 4, ifMatch: "e1" }, never);

    expect(object).toEqual({ bytes: new Uint8Array(Buffer.from("body")), etag: "e1" });
    expect(seen[0]!.url).toBe("/photos/prix%20d%27%C3%A9t%C3%A9/50%20%25%2B%281%29%21.jpg");
    expect(seen[0]!.headers).toMatchObject({
      "if-match": '"e1"',
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=name\/\d{8}\/eu-west-3\/s3\/aws4_request, /),
    });
  });

  it.each<[string, RequestListener]>([
    ["a failure", (_, response) => void response.writeHead(404).end("<Error/>")],
    ["a redirect", (_, response) => void response.writeHead(307, { location: "/elsewhere" }).end()],
    ["an object above the bound", (_, response) => void response.writeHead(200, { etag: '"e"' }).end("12345")],
    ["a body of unknown length", (_, response) => void response.writeHead(200, { etag: '"e"' }).write("1")],
    ["an answer without an etag", (_, response) => void response.writeHead(200, { "content-length": 1 }).end("1")],
  ])("leaves %s to the SDK", async (_, answer) => {
    const direct = await directAt(answer);
    expect(await direct.get(photo, { bytesMax: 4 }, never)).toBeUndefined();
  });

  it("ends with the signal", async () => {
    const direct = await directAt(() => undefined);
    const controller = new AbortController();
    const reading = direct.get(photo, { bytesMax: 4 }, controller.signal);
    controller.abort(new Error("stopping"));
    await expect(reading).rejects.toThrow("stopping");
  });
});

async function directAt(listener: RequestListener): Promise<DirectGet> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  const client = new S3Client({
    region: "eu-west-3",
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: "name", secretAccessKey: "secret" },
  });
  const direct = openDirectGet(client, DEFAULT_S3_LIMITS);
  closers.push(() => {
    direct.close();
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return direct;
}
