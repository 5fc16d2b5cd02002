import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { DecodedPhoto, DecodeOptions } from "./decode-photo.ts";
import type { DecodeAnswer, DecodeJob } from "./decoder-messages.ts";

/** What a decoder may take for one photo. */
export interface DecodeBounds {
  /** Growth of its resident set. */
  readonly bytesMax: number;
  readonly msMax: number;
}

/** Why a decoder ended in the middle of a photo: the photo's doing, or at least not to be told from it. */
export class DecoderKilled extends Error {
  override readonly name = "DecoderKilled";
}

const MAIN = fileURLToPath(new URL("./decoder-process-main.ts", import.meta.url));
/** Pixels and encoded photos lie outside V8's heap. */
const NODE_FLAGS = ["--max-old-space-size=128", "--max-semi-space-size=1", "--disable-warning=ExperimentalWarning"];
/** How often a decoder's memory is looked at while it works. The quickest decoders fill 1 GB in a second. */
const MEMORY_LOOK_MS = 20;
/** What a decoder grows to by its own libraries beyond its first resident set. */
const LIBRARY_BYTES = 96 * 1_048_576;
/** WebAssembly never gives memory back: a decoder that has grown to this is replaced. */
const KEPT_RSS_BYTES_MAX = 256 * 1_048_576;
/** More photos than this through one process, and what its libraries leak would count. */
const PHOTOS_MAX = 2_000;

/**
 * A process that decodes one photo at a time for this one. It holds no secrets of ours: its environment is empty but for
 * what Node needs. A photo that takes more memory or time than it may, or crashes its decoder, costs the process and
 * nothing else; the next photo starts a new one.
 */
export class DecoderProcess {
  #child: ChildProcess | undefined;
  #photos = 0;
  #nextId = 1;

  /**
   * Decodes one photo; calls must not overlap.
   *
   * @throws what `decodePhoto` throws; DecoderKilled when the process ended before it had an answer.
   */
  async decode(bytes: Uint8Array, options: DecodeOptions, bounds: DecodeBounds): Promise<DecodedPhoto> {
    this.#child ??= startChild();
    const child = this.#child;
    const id = this.#nextId++;
    const answer = await ask(child, { id, bytes, options }, bounds).catch((error) => {
      this.close();
      throw error;
    });
    this.#photos += 1;
    if (this.#photos >= PHOTOS_MAX || residentBytes(child) > KEPT_RSS_BYTES_MAX) this.close();
    if ("photo" in answer) return answer.photo;
    throw new FruitstreamError(answer.refusal.code, answer.refusal.message);
  }

  /** Ends the process, whatever it is doing. */
  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#photos = 0;
  }
}

function startChild(): ChildProcess {
  const { PATH, TMPDIR } = process.env;
  const env = { ...(PATH && { PATH }), ...(TMPDIR && { TMPDIR }), MALLOC_ARENA_MAX: "1", VIPS_WARNING: "0" };
  const stdio = ["ignore", "ignore", "ignore", "ipc"] as const;
  const child = fork(MAIN, { execArgv: NODE_FLAGS, env, serialization: "advanced", stdio: [...stdio] });
  // A process that is being ended may still fail to be talked to; whoever asks it something listens too.
  child.on("error", () => undefined);
  // Alone, an idle decoder doesn't keep its parent alive.
  child.unref();
  child.channel?.unref();
  return child;
}

function ask(child: ChildProcess, job: DecodeJob, bounds: DecodeBounds): Promise<DecodeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<DecodeAnswer>();
  const restingBytes = Math.max(residentBytes(child), LIBRARY_BYTES);
  const onMessage = (answer: DecodeAnswer) => answer.id === job.id && resolve(answer);
  const onEnd = (code: number | null, signal: string | null) =>
    reject(new DecoderKilled(`it ended its decoder (${signal ?? `exit code ${code}`})`));
  const onError = (cause: Error) => reject(new DecoderKilled("its decoder could not be started", { cause }));
  const deadline = setTimeout(
    () => reject(new DecoderKilled(`decoding it took more than ${bounds.msMax} ms`)),
    bounds.msMax,
  );
  const memoryLook = setInterval(() => {
    if (residentBytes(child) <= restingBytes + bounds.bytesMax) return;
    reject(new DecoderKilled(`decoding it took more than ${Math.round(bounds.bytesMax / 1_048_576)} MiB of memory`));
  }, MEMORY_LOOK_MS);
  child.on("message", onMessage);
  child.once("exit", onEnd);
  child.once("error", onError);
  child.channel?.ref();
  child.send(job, (error) => error && onError(error));
  return promise.finally(() => {
    clearTimeout(deadline);
    clearInterval(memoryLook);
    child.channel?.unref();
    child.off("message", onMessage).off("exit", onEnd).off("error", onError);
  });
}

const PAGE_BYTES = 4_096;

/** The resident set of a process; 0 where the system does not tell, and the deadline alone bounds it. */
function residentBytes({ pid }: ChildProcess): number {
  try {
    return PAGE_BYTES * Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  } catch {
    return 0;
  }
}
