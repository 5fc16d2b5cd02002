/** Pixels that lie row by row, red, green and blue in turn. */
export interface RawPixels {
  /** [height, width, 3]; 8 or 16 bits a sample, in the machine's byte order. */
  readonly samples: Uint8Array | Uint16Array;
  readonly width: number;
  readonly height: number;
}

/**
 * An uncompressed TIFF around raw pixels (TIFF 6.0), since libvips takes a colour profile only with a file. The pixels
 * are copied once.
 *
 * @param profile the ICC profile that the numbers are meant in; without one they are sRGB.
 */
export function tiffOf({ samples, width, height }: RawPixels, profile?: Uint8Array): Buffer {
  const pixels = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const bits = 8 * samples.BYTES_PER_ELEMENT;
  const pixelsAt = HEADER_BYTES;
  const bitsAt = even(pixelsAt + pixels.byteLength);
  const profileAt = bitsAt + 3 * 2;
  const directoryAt = even(profileAt + (profile?.byteLength ?? 0));
  const entries: [tag: number, type: number, count: number, value: number][] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    [258, SHORT, 3, bitsAt],
    [259, SHORT, 1, 1],
    [262, SHORT, 1, RGB],
    [273, LONG, 1, pixelsAt],
    [277, SHORT, 1, 3],
    [278, LONG, 1, height],
    [279, LONG, 1, pixels.byteLength],
    [284, SHORT, 1, 1],
  ];
  if (profile) entries.push([34_675, UNDEFINED, profile.byteLength, profileAt]);

  const file = Buffer.alloc(directoryAt + 2 + 12 * entries.length + 4);
  file.write("II*\0", 0, "latin1");
  file.writeUInt32LE(directoryAt, 4);
  file.set(pixels, pixelsAt);
  for (const channel of [0, 1, 2]) file.writeUInt16LE(bits, bitsAt + 2 * channel);
  if (profile) file.set(profile, profileAt);
  file.writeUInt16LE(entries.length, directoryAt);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = directoryAt + 2 + 12 * index;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  }
  return file;
}

const HEADER_BYTES = 8;
const SHORT = 3;
const LONG = 4;
const UNDEFINED = 7;
const RGB = 2;

function even(offset: number): number {
  return offset + (offset & 1);
}
