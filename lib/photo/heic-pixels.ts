import { createRequire } from "node:module";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { RawPixels } from "./tiff-file.ts";

const require = createRequire(import.meta.url);

/**
 * Decodes the primary picture of a HEIC file, turned and cut as its container says, with its colours as stored.
 *
 * libheif and libde265 as WebAssembly (`libheif-js`, LGPL-3.0): sharp comes without a HEVC decoder. The package is
 * optional. It computes on the calling thread, and its memory grows to the largest photo's need and never shrinks, so
 * only decoder processes call this.
 *
 * @throws unsupported-format where the package is not installed; corrupt-image when the photo can't be decoded.
 */
export async function decodeHeic(bytes: Uint8Array): Promise<RawPixels> {
  const { HeifDecoder } = openLibheif();
  const images = new HeifDecoder().decode(bytes);
  try {
    const image = images.find((one) => one.is_primary()) ?? images[0];
    if (!image) throw corrupt("libheif finds no picture in it");
    const [width, height] = [image.get_width(), image.get_height()];
    const canvas = { data: new Uint8ClampedArray(4 * width * height), width, height };
    const shown = await new Promise<typeof canvas | null>((resolve) => image.display(canvas, resolve));
    if (!shown) throw corrupt("libheif can't decode its pictures");
    return { samples: withoutAlpha(shown.data), width, height };
  } finally {
    for (const image of images) image.free();
  }
}

function corrupt(problem: string): FruitstreamError {
  return new FruitstreamError("corrupt-image", `the photo can't be decoded: HEIC: ${problem}`);
}

/** As far as we use it; the package's own types need a browser's. */
interface Libheif {
  readonly HeifDecoder: new () => { decode(bytes: Uint8Array): HeifImage[] };
}

interface HeifImage {
  is_primary(): boolean;
  get_width(): number;
  get_height(): number;
  display(canvas: { data: Uint8ClampedArray; width: number; height: number }, done: (shown: never) => void): void;
  free(): void;
}

let opened: Libheif | undefined;

function openLibheif(): Libheif {
  try {
    opened ??= require("libheif-js/wasm-bundle.js") as Libheif;
    return opened;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw cause;
    const message = "a HEIC photo; install libheif-js (npm install libheif-js) beside fruitstream, or store it as JPEG";
    throw new FruitstreamError("unsupported-format", `the photo is ${message}`, { cause });
  }
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}
