import { latin1, viewOf } from "./bytes.ts";

/** A box of an ISO base media file: ISO/IEC 14496-12, section 4.2. */
export interface Box {
  readonly type: string;
  /** What follows the box's header. */
  readonly data: Uint8Array;
  /** Where the data begins in the bytes that were read. */
  readonly at: number;
  /** Whether the box goes on beyond the bytes. */
  readonly isCut: boolean;
}

/** The boxes that lie side by side in the bytes, up to the first one that makes no sense. */
export function* readBoxes(bytes: Uint8Array, start = 0): Generator<Box> {
  const view = viewOf(bytes);
  let count = 0;
  for (let at = start; at + 8 <= bytes.byteLength && count < BOXES_MAX; count += 1) {
    const type = latin1(bytes, at + 4, at + 8);
    const short = view.getUint32(at);
    const isLong = short === 1;
    if (isLong && at + 16 > bytes.byteLength) return;
    const headerBytes = isLong ? 16 : 8;
    const size = isLong ? Number(view.getBigUint64(at + 8)) : short === 0 ? bytes.byteLength - at : short;
    if (size < headerBytes) return;
    const end = Math.min(at + size, bytes.byteLength);
    yield {
      type,
      data: bytes.subarray(at + headerBytes, end),
      at: at + headerBytes,
      isCut: at + size > bytes.byteLength,
    };
    at += size;
  }
}

/** A grid of a 200-megapixel photo has some 800 tiles, each with a handful of boxes. */
const BOXES_MAX = 20_000;

/** The first box of a type among those side by side. */
export function findBox(bytes: Uint8Array, type: string, start = 0): Box | undefined {
  for (const box of readBoxes(bytes, start)) if (box.type === type) return box;
  return undefined;
}
