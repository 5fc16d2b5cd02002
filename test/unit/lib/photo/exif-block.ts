/** Values by tag: texts, numbers as SHORT or LONG, triples of rationals. */
type ExifTags = Readonly<Record<number, string | number | readonly number[]>>;

export interface ExifBlock {
  readonly image?: ExifTags;
  readonly photo?: ExifTags;
  readonly gps?: ExifTags;
}

const PHOTO_POINTER = 34_665;
const GPS_POINTER = 34_853;

/** A TIFF structure with the directories that EXIF has, as cameras write it. */
export function exifBlock({ image = {}, photo, gps }: ExifBlock, isLittle = true): Buffer {
  const order = isLittle ? "II*\0" : "MM\0*";
  const first = directory({ ...image, ...(photo && { [PHOTO_POINTER]: 0 }), ...(gps && { [GPS_POINTER]: 0 }) });
  const photoAt = 8 + first.size;
  const photoDirectory = photo && directory(photo);
  const gpsAt = photoAt + (photoDirectory?.size ?? 0);
  const gpsDirectory = gps && directory(gps);
  const block = Buffer.alloc(gpsAt + (gpsDirectory?.size ?? 0));
  block.write(order, 0, "latin1");
  writer(block, isLittle).long(8, 4);
  const pointers = { ...image, ...(photo && { [PHOTO_POINTER]: photoAt }), ...(gps && { [GPS_POINTER]: gpsAt }) };
  directory(pointers).writeTo(block, 8, isLittle);
  photoDirectory?.writeTo(block, photoAt, isLittle);
  gpsDirectory?.writeTo(block, gpsAt, isLittle);
  return block;
}

function directory(tags: ExifTags) {
  const entries = Object.entries(tags).map(([tag, value]) => [Number(tag), value] as const);
  const far = (value: ExifTags[number]) =>
    typeof value === "string" ? evenly(value.length + 1) : typeof value === "number" ? 0 : 8 * value.length;
  const size = 2 + 12 * entries.length + 4 + entries.reduce((sum, [, value]) => sum + far(value), 0);
  return {
    size,
    writeTo(block: Buffer, at: number, isLittle: boolean) {
      const put = writer(block, isLittle);
      put.short(entries.length, at);
      let free = at + 2 + 12 * entries.length + 4;
      for (const [index, [tag, value]] of entries.entries()) {
        const entry = at + 2 + 12 * index;
        put.short(tag, entry);
        writeValue(block, put, value, { entry, free });
        free += far(value);
      }
    },
  };
}

function writeValue(
  block: Buffer,
  put: ReturnType<typeof writer>,
  value: ExifTags[number],
  { entry, free }: { entry: number; free: number },
): void {
  const [type, count] =
    typeof value === "number" ? [4, 1] : typeof value === "string" ? [2, value.length + 1] : [5, value.length];
  put.short(type, entry + 2);
  put.long(count, entry + 4);
  put.long(typeof value === "number" ? value : free, entry + 8);
  if (typeof value === "string") block.write(`${value}\0`, count <= 4 ? entry + 8 : free, "latin1");
  if (typeof value === "object") for (const [index, number] of value.entries()) rational(put, number, free + 8 * index);
}

function rational(put: ReturnType<typeof writer>, value: number, at: number): void {
  put.long(Math.round(1_000 * value), at);
  put.long(1_000, at + 4);
}

function evenly(size: number): number {
  return size + (size & 1);
}

function writer(block: Buffer, isLittle: boolean) {
  return {
    short: (value: number, at: number) => (isLittle ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at)),
    long: (value: number, at: number) => (isLittle ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at)),
  };
}
