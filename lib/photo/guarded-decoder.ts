import { setImmediate } from "node:timers/promises";
import pLimit from "p-limit";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { ByteBudget } from "./byte-budget.ts";
import { type CheckedPhoto, checkPhoto, type PhotoLimits } from "./check-photo.ts";
import { type DecodedPhoto, type DecodeOptions, decodePhoto } from "./decode-photo.ts";
import { DecoderKilled, DecoderProcess } from "./decoder-process.ts";

export interface GuardedDecoderOptions {
  readonly decode: DecodeOptions & { readonly limits: PhotoLimits };
  /** Photos decoded side by side on this process's threads, those of little cost. */
  readonly decodesMax: number;
  /** Processes for the others. They start with the first photo that needs one, and end when none did for a while. */
  readonly processesMax: number;
  /** How long a decoder process may take for a photo. */
  readonly decodeMsMax: number;
  /** Called around what is decoded in this process, for who counts its CPU time. */
  readonly measure?: <Result>(work: () => Result) => Result;
}

/**
 * A photo of less is decoded in this process, if it is in a format whose decoder has seen every attack there is, and no
 * JPEG whose scans are still to be counted.
 */
const LIGHT_BYTES_MAX = 24 * 1_048_576;
const LIGHT_FORMATS: ReadonlySet<string> = new Set(["jpeg", "png", "webp"]);
/** What killed its decoder once may have met a bad moment. Twice, and it is the photo. */
const TRIES = 2;
/** Idle decoder processes give their memory back after so long. */
const IDLE_MS_MAX = 60_000;
/** An estimate is an upper one; beyond this much more, the header did not tell the truth. */
const ESTIMATE_TOLERANCE = 1.25;

/**
 * Decodes what strangers send. Photos are admitted by what their headers say that they cost, and whatever could take
 * memory, time or the process with it is decoded in a process of its own. What this process takes is bounded:
 * `decodesMax` light photos of 24 MiB, and all heavy ones together `limits.decodeBytesMax`, in other processes.
 */
export class GuardedDecoder {
  readonly #options: GuardedDecoderOptions;
  readonly #light: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly #heavy: <Result>(work: () => Promise<Result>) => Promise<Result>;
  readonly #budget: ByteBudget;
  readonly #idle: DecoderProcess[] = [];
  readonly #all = new Set<DecoderProcess>();
  #idleTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: GuardedDecoderOptions) {
    this.#options = options;
    this.#light = pLimit(options.decodesMax);
    this.#heavy = pLimit(options.processesMax);
    this.#budget = new ByteBudget(options.decode.limits.decodeBytesMax);
  }

  /**
   * @param checked what `checkPhoto` said of the bytes, where the caller has asked already.
   * @throws what `decodePhoto` throws, with a detail that is the photo's own; decoder-killed when the photo ended two
   * decoder processes, by crashing them, or by memory or time.
   */
  async decode(
    bytes: Uint8Array,
    checked: CheckedPhoto = checkPhoto(bytes, this.#options.decode.limits),
  ): Promise<DecodedPhoto> {
    const { decode, measure = (work) => work() } = this.#options;
    if (!isLight(checked)) return await this.#decodeApart(bytes, checked);
    try {
      return await this.#light(() => measure(() => decodePhoto(bytes, decode, checked)));
    } catch (error) {
      // Decoded side by side, libvips may have told of another photo's fault. Alone it tells of this one's.
      if (error instanceof FruitstreamError && error.code === "corrupt-image") {
        return await this.#decodeApart(bytes, checked);
      }
      throw error;
    }
  }

  /** Ends the decoder processes. Whoever still waits for a photo gets an error that says nothing of the photo. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    for (const process of this.#all) process.close();
  }

  #decodeApart(bytes: Uint8Array, { decodeBytes }: CheckedPhoto): Promise<DecodedPhoto> {
    return this.#heavy(() => this.#budget.with(decodeBytes, () => this.#tryDecoding(bytes, decodeBytes)));
  }

  async #tryDecoding(bytes: Uint8Array, decodeBytes: number): Promise<DecodedPhoto> {
    // The header was looked at just before, and sending 64 MiB takes this thread another 45 ms.
    await setImmediate();
    // A photo that was queued behind others at the closing would start a process that nobody ends.
    if (this.#isClosed) throw new Error("the decoder was closed");
    const { decode, decodeMsMax } = this.#options;
    const bounds = { bytesMax: Math.ceil(ESTIMATE_TOLERANCE * decodeBytes) + bytes.byteLength, msMax: decodeMsMax };
    let killed: DecoderKilled | undefined;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const process = this.#takeProcess();
      try {
        return await process.decode(bytes, decode, bounds);
      } catch (error) {
        if (this.#isClosed) throw new Error("the decoder was closed", { cause: error });
        if (!(error instanceof DecoderKilled)) throw error;
        killed = error;
      } finally {
        this.#giveBack(process);
      }
    }
    const problem = `the photo was decoded ${TRIES} times in a process of its own, and ${killed!.message}`;
    throw new FruitstreamError("decoder-killed", `${problem}; store it smaller, or as a baseline JPEG`, {
      cause: killed,
    });
  }

  #takeProcess(): DecoderProcess {
    clearTimeout(this.#idleTimer);
    const process = this.#idle.pop() ?? new DecoderProcess();
    this.#all.add(process);
    return process;
  }

  #giveBack(process: DecoderProcess): void {
    if (this.#isClosed) return;
    this.#idle.push(process);
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const idle of this.#idle) idle.close();
    }, IDLE_MS_MAX).unref();
  }
}

function isLight({ header, decodeBytes }: CheckedPhoto): boolean {
  return decodeBytes <= LIGHT_BYTES_MAX && LIGHT_FORMATS.has(header.format) && header.hasAllScans !== false;
}
