import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, setGlobalProxyFromEnv } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { download } from "#ops/models/download.ts";
import type { DownloadHooks, RemoteFile } from "#ops/models/partial-download.ts";
import { type Behaviour, RangeServer } from "./range-server.ts";

const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) >> 3));
const HALF = 150_000;
const STALL_MS_MAX = 60_000;
const never = new AbortController().signal;

let server: RangeServer;
let folder: string;
let path: string;
let delays: number;
beforeEach(async () => {
  server = await RangeServer.open(body);
  folder = await mkdtemp(join(tmpdir(), "fruitstream-download-"));
  path = join(folder, "cache", "model.onnx");
  delays = 0;
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

describe("a download", () => {
  test("brings the whole file and tells how far it is", async () => {
    const progress: number[] = [];
    await download(remote(), path, hooks({ onProgress: (bytes) => progress.push(bytes) }));
    expect((await readFile(path)).equals(body)).toBe(true);
    expect(progress.at(-1)).toBe(body.length);
    expect(await leftovers()).toEqual([]);
  });

  test("takes up a cut connection where it ended", async () => {
    server.behave({ cutAfter: HALF }, { cutAfter: 1_000 }, {});
    await download(remote(), path, hooks());
    expect((await readFile(path)).equals(body)).toBe(true);
    expect(server.ranges).toEqual([undefined, `bytes=${HALF}-`, `bytes=${HALF + 1_000}-`]);
    expect(delays).toBe(2);
  });

  test("of another process is taken up, too", async () => {
    server.behave({ cutAfter: HALF }, { status: 503 });
    await expect(download(remote(), path, hooks())).rejects.toMatchObject({ code: "download-failed" });
    server.ranges.length = 0;
    server.behave({});
    await download(remote(), path, hooks());
    expect(server.ranges).toEqual([`bytes=${HALF}-`]);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  test.each([
    { what: "has another version by now", next: { etag: '"two"' } },
    { what: "knows no ranges", next: { withoutRanges: true } },
  ])("starts over when the server $what", async ({ next }) => {
    server.behave({ cutAfter: HALF }, next);
    await download(remote(), path, hooks());
    expect(server.ranges).toEqual([undefined, `bytes=${HALF}-`]);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  test("starts over when nothing tells one version from another", async () => {
    server.behave({ cutAfter: HALF, etag: 'W/"weak"' }, {});
    await download(remote(), path, hooks());
    expect(server.ranges).toEqual([undefined, undefined]);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  test("that stalls is taken up", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    server.behave({ stallAfter: HALF }, {});
    const onProgress = (received: number) => {
      if (received === HALF) vi.advanceTimersByTime(STALL_MS_MAX);
    };
    await download(remote(), path, hooks({ onProgress }));
    expect(server.ranges).toEqual([undefined, `bytes=${HALF}-`]);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  test("that two want at once happens once", async () => {
    await Promise.all([download(remote(), path, hooks()), download(remote(), path, hooks())]);
    expect(server.ranges).toHaveLength(1);
    expect((await readFile(path)).equals(body)).toBe(true);
  });

  test("is spared when somebody put the file there", async () => {
    await download(remote(), path, hooks());
    await download(remote(), path, hooks());
    expect(server.ranges).toHaveLength(1);
    await writeFile(path, body.toReversed());
    await expect(download(remote(), path, hooks())).rejects.toThrow(/has the SHA-256 .*; remove it/);
  });

  test("ends when it is no longer wanted, and keeps what came", async () => {
    const wanted = new AbortController();
    server.behave({ stallAfter: HALF });
    const onProgress = (received: number) => {
      if (received === HALF) wanted.abort(new Error("no longer wanted"));
    };
    await expect(download(remote(), path, hooks({ onProgress, signal: wanted.signal }))).rejects.toThrow("no longer");
    expect(await leftovers()).toContain("model.onnx.part");
  });

  test("goes through the proxy that the environment names", async () => {
    const targets: (string | undefined)[] = [];
    const proxy = createServer((request) => targets.push(request.url)).listen(0, "127.0.0.1");
    proxy.on("connect", (request, client) => {
      targets.push(request.url);
      const { port } = new URL(server.url);
      const onward = connect(Number(port), "127.0.0.1", () => client.write("HTTP/1.1 200 OK\r\n\r\n"));
      client.pipe(onward).pipe(client);
      client.on("error", () => onward.destroy());
      onward.on("error", () => client.destroy());
    });
    await new Promise((resolve) => proxy.once("listening", resolve));
    const { port } = proxy.address() as AddressInfo;
    const restore = setGlobalProxyFromEnv({ HTTP_PROXY: `http://127.0.0.1:${port}` });
    onTestFinished(() => {
      restore();
      proxy.closeAllConnections();
      proxy.close();
    });
    await download({ ...remote(), url: "http://models.example.org/model.onnx" }, path, hooks());
    expect(targets).toEqual(["models.example.org:80"]);
    expect((await readFile(path)).equals(body)).toBe(true);
  });
});

describe("a download that is not what it should be", () => {
  test.each<{ what: string; behaviour: Behaviour; message: RegExp }>([
    { what: "hash", behaviour: { body: Buffer.from(body.toReversed()) }, message: /SHA-256/ },
    { what: "size, as announced", behaviour: { body: body.subarray(1) }, message: /299999 bytes instead of 300000/ },
    { what: "size, too small", behaviour: { body: body.subarray(1), withoutLength: true }, message: /299999 bytes/ },
    {
      what: "size, too large",
      behaviour: { body: Buffer.concat([body, body]), withoutLength: true },
      message: /more than/,
    },
  ])("by its $what leaves nothing behind", async ({ behaviour, message }) => {
    server.behave(behaviour);
    const downloading = download(remote(), path, hooks());
    await expect(downloading).rejects.toMatchObject({ code: "invalid-model", message: expect.stringMatching(message) });
    expect(await leftovers()).toEqual([]);
    await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("by a missing page fails at once, and says where a file from elsewhere belongs", async () => {
    server.behave({ status: 404 });
    const downloading = download(remote(), path, hooks());
    await expect(downloading).rejects.toMatchObject({
      code: "invalid-model",
      message: expect.stringMatching(`answered 404; .* put it at ${path}`),
    });
    expect(server.ranges).toHaveLength(1);
  });

  test("by no answer says where to get the file and where to put it", async () => {
    const gone = remote();
    await server.close();
    const downloading = download(gone, path, hooks());
    await expect(downloading).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(`can't download ${gone.url}.*ECONNREFUSED.*put it at ${path}`),
    });
    expect(delays).toBe(3);
    server = await RangeServer.open(body);
  });
});

function remote(): RemoteFile {
  return { url: server.url, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

function hooks(change: Partial<DownloadHooks> = {}): DownloadHooks {
  const sleep = async () => {
    delays += 1;
  };
  return {
    clock: { nowMs: () => 0, sleep },
    stallMsMax: STALL_MS_MAX,
    onProgress: (received) => server.received(received),
    signal: never,
    ...change,
  };
}

/** What lies beside the file but for the lock. */
async function leftovers(): Promise<string[]> {
  return (await readdir(join(folder, "cache"))).filter((name) => name !== "model.onnx" && !name.endsWith(".lock"));
}
