/** A little-endian TIFF of directories one after the other, each as [tag, value] of 32-bit numbers, with some pixels first. */
export function tinyTiff(...directories: readonly (readonly (readonly [tag: number, value: number])[])[]): Buffer {
  const starts = directories.map((_, index) =>
    directories.slice(0, index).reduce((at, entries) => at + 6 + 12 * entries.length, FIRST_DIRECTORY_AT),
  );
  const file = Buffer.alloc(starts.at(-1)! + 6 + 12 * directories.at(-1)!.length);
  file.write("II*\0", "latin1");
  file.writeUInt32LE(FIRST_DIRECTORY_AT, 4);
  for (const [index, entries] of directories.entries()) {
    const start = starts[index]!;
    file.writeUInt16LE(entries.length, start);
    for (const [entry, [tag, value]] of entries.entries()) {
      const at = start + 2 + 12 * entry;
      file.writeUInt16LE(tag, at);
      file.writeUInt16LE(LONG, at + 2);
      file.writeUInt32LE(1, at + 4);
      file.writeUInt32LE(value, at + 8);
    }
    file.writeUInt32LE(starts[index + 1] ?? 0, start + 2 + 12 * entries.length);
  }
  return file;
}

/** The pixels' bytes lie between the header and the first directory. */
export const PIXELS_AT = 8;
const FIRST_DIRECTORY_AT = 208;
const LONG = 4;

/** 8 x 8 grey pixels in one strip. */
export const GREY: readonly (readonly [tag: number, value: number])[] = [
  [256, 8],
  [257, 8],
  [258, 8],
  [259, 1],
  [262, 1],
  [273, PIXELS_AT],
  [277, 1],
  [278, 8],
  [279, 64],
];

/** The same with some tags changed or added. */
export function greyWith(...changes: readonly (readonly [tag: number, value: number])[]) {
  return [...new Map<number, number>([...GREY, ...changes])].sort(([a], [b]) => a - b);
}
