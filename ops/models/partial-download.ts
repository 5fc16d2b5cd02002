import { type FileHandle, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { Clock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** A file somewhere else, known to the byte. */
export interface RemoteFile {
  readonly url: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface DownloadHooks {
  readonly clock: Clock;
  /** Without a byte for so long, an attempt is given up. */
  readonly stallMsMax: number;
  readonly onProgress: (receivedBytes: number) => void;
  readonly signal: AbortSignal;
}

/** A file of which the first bytes may be there, and beside it what the server said about the version they are of. */
export class PartialDownload {
  readonly file: RemoteFile;
  readonly path: string;
  readonly #versionPath: string;

  constructor(file: RemoteFile, path: string) {
    this.file = file;
    this.path = path;
    this.#versionPath = `${path}.version`;
  }

  async receivedBytes(): Promise<number> {
    return (await stat(this.path).catch(() => undefined))?.size ?? 0;
  }

  /**
   * Asks for what is missing and appends it. A server that knows no ranges, or has another version by now, sends the
   * whole: then what was there is dropped.
   *
   * @throws download-failed when it ended too early and may be tried again; invalid-model when it never will do.
   */
  async receive({ stallMsMax, onProgress, signal }: Omit<DownloadHooks, "clock">): Promise<void> {
    const { url, bytes } = this.file;
    const start = await this.#resumableBytes();
    if (start === bytes) return;
    const stall = new AbortController();
    const alarm = setTimeout(() => stall.abort(new Error(`no bytes for ${stallMsMax} ms`)), stallMsMax);
    try {
      const response = await fetch(url, {
        headers: { "accept-encoding": "identity", ...(start > 0 ? await this.#rangeHeaders(start) : {}) },
        signal: AbortSignal.any([signal, stall.signal]),
      });
      const from = await this.#checkedStart(response, start);
      await using output = await open(this.path, from === 0 ? "w" : "a");
      if (from === 0) await this.#noteVersion(response);
      await this.#append(response, output, from, (received) => {
        alarm.refresh();
        onProgress(received);
      });
    } catch (cause) {
      if (cause instanceof FruitstreamError) throw cause;
      throw new FruitstreamError("download-failed", describeFailure(cause), { cause });
    } finally {
      clearTimeout(alarm);
    }
  }

  /** Removes what there is. */
  async discard(): Promise<void> {
    await Promise.all([this.path, this.#versionPath].map((path) => rm(path, { force: true })));
  }

  /** Without a validator nobody could tell whether the rest is of the same version. */
  async #resumableBytes(): Promise<number> {
    const received = await this.receivedBytes();
    const isUsable = received <= this.file.bytes && (await this.#validator()) !== undefined;
    return isUsable ? received : 0;
  }

  async #rangeHeaders(start: number): Promise<Record<string, string>> {
    return { range: `bytes=${start}-`, "if-range": (await this.#validator())! };
  }

  /** Where the response's body begins. */
  async #checkedStart(response: Response, asked: number): Promise<number> {
    const { status, headers } = response;
    const { url, bytes } = this.file;
    if (status === 206 && headers.get("content-range")?.startsWith(`bytes ${asked}-`)) return asked;
    if (status === 206 || status === 416) {
      await this.discard();
      throw new FruitstreamError("download-failed", `the server answered ${status} for bytes that it does not have`);
    }
    if (status === 429 || status === 408 || status >= 500) {
      throw new FruitstreamError("download-failed", `the server answered ${status}`);
    }
    if (status !== 200) {
      const remedy = "the file has moved or is not public; correct download.url in the model.json";
      throw new FruitstreamError("invalid-model", `${url} answered ${status}; ${remedy}`);
    }
    const length = headers.get("content-length");
    if (length !== null && Number(length) !== bytes) return this.#refuseSize(length);
    return 0;
  }

  async #append(
    response: Response,
    output: FileHandle,
    start: number,
    onReceived: (receivedBytes: number) => void,
  ): Promise<void> {
    let received = start;
    for await (const piece of response.body ?? []) {
      received += piece.byteLength;
      if (received > this.file.bytes) await this.#refuseSize(`more than ${this.file.bytes}`);
      await output.writeFile(piece);
      onReceived(received);
    }
    if (received < this.file.bytes) await this.#refuseSize(String(received));
  }

  async #refuseSize(actual: string): Promise<never> {
    const { url, bytes } = this.file;
    await this.discard();
    throw new FruitstreamError(
      "invalid-model",
      `${url} gives ${actual} bytes instead of ${bytes}, so it is another file; correct "download" in the model.json`,
    );
  }

  async #noteVersion({ headers }: Response): Promise<void> {
    const etag = headers.get("etag");
    const validator = etag !== null && !etag.startsWith("W/") ? etag : headers.get("last-modified");
    if (validator === null) await rm(this.#versionPath, { force: true });
    else await writeFile(this.#versionPath, JSON.stringify({ sha256: this.file.sha256, validator }));
  }

  async #validator(): Promise<string | undefined> {
    try {
      const { sha256, validator } = JSON.parse(await readFile(this.#versionPath, "utf8"));
      return sha256 === this.file.sha256 ? validator : undefined;
    } catch {
      // It is missing or was cut off: then the download starts over.
      return undefined;
    }
  }
}

/** fetch says "fetch failed" of everything; why is in the cause. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
