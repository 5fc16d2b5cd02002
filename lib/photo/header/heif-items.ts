import { type Box, readBoxes } from "./bmff-boxes.ts";
import { latin1, viewOf } from "./bytes.ts";

/** The items of a HEIF file by their ids. */
export interface HeifItems {
  readonly primary: number;
  typeOf(item: number): string | undefined;
  propertiesOf(item: number): Box[];
  /** The items that this one is made of, by `dimg`, or others that it names. */
  referencesOf(type: string, from: number): number[];
  /** The items that describe this one: EXIF, XMP. */
  describing(item: number): number[];
  hasAlpha(item: number): boolean;
  /** Whether an extent of the item ends beyond the file. */
  isCut(item: number, fileBytes: number): boolean;
  /** The item's bytes where they lie in one piece of the file. */
  bytesOf(item: number, file: Uint8Array): Uint8Array | undefined;
}

interface Extent {
  readonly start: number;
  readonly length: number;
}

/** Version and flags stand before the boxes of a full box. */
const FULL_BOX_BYTES = 4;
/**
 * What a file's tables may hold each. A grid of a 200-megapixel photo has some 800 tiles, each with a handful of
 * properties; tables of a few hundred bytes can announce millions of entries that take no bytes.
 */
const ENTRIES_MAX = 65_536;
/** The kind of an auxiliary image is a URN. */
const AUXILIARY_KIND_BYTES_MAX = 256;

/**
 * Reads which items a file has, what they are, how they belong together and where they lie: ISO/IEC 23008-12, section 9.
 *
 * @throws RangeError where a box ends too early, or a table has more entries than any photo's.
 */
export function readHeifItems(meta: Box): HeifItems {
  const inner = new Map([...readBoxes(meta.data, FULL_BOX_BYTES)].map((box) => [box.type, box]));
  const types = readItemTypes(inner.get("iinf"));
  const extents = readLocations(inner.get("iloc"), inner.get("idat"), meta.at);
  const references = readReferences(inner.get("iref"));
  const { associations, boxes } = readProperties(inner.get("iprp"));
  const propertiesOf = (item: number) => (associations.get(item) ?? []).flatMap((index) => boxes[index - 1] ?? []);
  const isAlpha = (item: number) =>
    propertiesOf(item).some(
      ({ type, data }) => type === "auxC" && latin1(data, 4, AUXILIARY_KIND_BYTES_MAX).includes("alpha"),
    );
  const pointingAt = (type: string, item: number) => {
    const found = references.filter((one) => one.type === type && one.to.includes(item));
    return [...new Set(found.map(({ from }) => from))];
  };
  return {
    primary: readPrimary(inner.get("pitm")),
    typeOf: (item) => types.get(item),
    propertiesOf,
    referencesOf: (type, from) =>
      references.filter((one) => one.type === type && one.from === from).flatMap(({ to }) => to),
    describing: (item) => pointingAt("cdsc", item),
    hasAlpha: (item) => pointingAt("auxl", item).some(isAlpha),
    isCut: (item, fileBytes) => (extents.get(item) ?? []).some(({ start, length }) => start + length > fileBytes),
    bytesOf(item, file) {
      const [only, ...others] = extents.get(item) ?? [];
      return only && others.length === 0 ? file.subarray(only.start, only.start + only.length) : undefined;
    },
  };
}

function readPrimary(pitm: Box | undefined): number {
  if (!pitm || pitm.data.byteLength < 6) return 0;
  return pitm.data[0] === 0 ? viewOf(pitm.data).getUint16(4) : viewOf(pitm.data).getUint32(4);
}

function readItemTypes(iinf: Box | undefined): Map<number, string> {
  const types = new Map<number, string>();
  if (!iinf || iinf.data.byteLength < 8) return types;
  for (const { type, data } of readBoxes(iinf.data, iinf.data[0] === 0 ? 6 : 8)) {
    if (type !== "infe" || data.byteLength < 12) continue;
    const isLong = data[0]! >= 3;
    const item = isLong ? viewOf(data).getUint32(4) : viewOf(data).getUint16(4);
    const at = isLong ? 10 : 8;
    types.set(item, latin1(data, at, at + 4));
  }
  return types;
}

function readReferences(iref: Box | undefined): { type: string; from: number; to: number[] }[] {
  if (!iref) return [];
  const isLong = iref.data[0]! >= 1;
  const idBytes = isLong ? 4 : 2;
  const entries = new EntryCount();
  return [...readBoxes(iref.data, FULL_BOX_BYTES)].flatMap(({ type, data }) => {
    const view = viewOf(data);
    if (data.byteLength < idBytes + 2) return [];
    const id = (at: number) => (isLong ? view.getUint32(at) : view.getUint16(at));
    const count = Math.min(view.getUint16(idBytes), Math.floor((data.byteLength - idBytes - 2) / idBytes));
    entries.add(count);
    return { type, from: id(0), to: Array.from({ length: count }, (_, index) => id(idBytes + 2 + index * idBytes)) };
  });
}

function readProperties(iprp: Box | undefined): { associations: Map<number, number[]>; boxes: Box[] } {
  const associations = new Map<number, number[]>();
  const boxes: Box[] = [];
  const entries = new EntryCount();
  for (const box of iprp ? readBoxes(iprp.data) : []) {
    if (box.type === "ipma") readAssociations(box.data, associations, entries);
    for (const property of box.type === "ipco" ? readBoxes(box.data) : []) {
      entries.add(1);
      boxes.push(property);
    }
  }
  return { associations, boxes };
}

function readAssociations(data: Uint8Array, into: Map<number, number[]>, entries: EntryCount): void {
  if (data.byteLength < 8) return;
  const isLongItem = data[0]! >= 1;
  const indexBytes = (data[3]! & 1) === 1 ? 2 : 1;
  const fields = new Fields(data, 4);
  // The highest bit says that a reader must know the property.
  const flag = indexBytes === 2 ? 0x8000 : 0x80;
  for (let items = entries.add(fields.take(4)); items > 0; items -= 1) {
    const item = fields.take(isLongItem ? 4 : 2);
    const indexes = into.get(item) ?? [];
    for (let count = entries.add(fields.take(1)); count > 0; count -= 1) indexes.push(fields.take(indexBytes) & ~flag);
    into.set(item, indexes);
  }
}

/** Counts the entries of a table before they are read. */
class EntryCount {
  #left = ENTRIES_MAX;

  /** @returns the same number. @throws RangeError once there are too many in all. */
  add(count: number): number {
    this.#left -= count;
    if (this.#left < 0) throw new RangeError(`more than ${ENTRIES_MAX} entries`);
    return count;
  }
}

/** Numbers of given sizes, one after the other. */
class Fields {
  readonly #view: DataView;
  #at: number;

  constructor(data: Uint8Array, at: number) {
    this.#view = viewOf(data);
    this.#at = at;
  }

  /** @throws RangeError beyond the end; whoever reads a photo's header takes that for a header that makes no sense. */
  take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (bytes === 0) return 0;
    if (bytes === 1) return this.#view.getUint8(at);
    if (bytes === 2) return this.#view.getUint16(at);
    return bytes === 4 ? this.#view.getUint32(at) : Number(this.#view.getBigUint64(at));
  }
}

/** Where items lie: ISO/IEC 14496-12, section 8.11.3. Offsets of construction method 1 count from the `idat` box. */
function readLocations(iloc: Box | undefined, idat: Box | undefined, metaAt: number): Map<number, Extent[]> {
  const locations = new Map<number, Extent[]>();
  if (!iloc || iloc.data.byteLength < 8) return locations;
  const { data } = iloc;
  const version = data[0]!;
  const [offsetBytes, lengthBytes, baseBytes] = [data[4]! >> 4, data[4]! & 15, data[5]! >> 4];
  const indexBytes = version === 0 ? 0 : data[5]! & 15;
  const idBytes = version < 2 ? 2 : 4;
  const fields = new Fields(data, 6);
  const entries = new EntryCount();
  for (let items = entries.add(fields.take(idBytes)); items > 0; items -= 1) {
    const item = fields.take(idBytes);
    const method = version === 0 ? 0 : fields.take(2) & 15;
    fields.take(2);
    const base = fields.take(baseBytes) + (method === 1 && idat ? metaAt + idat.at : 0);
    const extents = Array.from({ length: entries.add(fields.take(2)) }, () => {
      fields.take(indexBytes);
      return { start: base + fields.take(offsetBytes), length: fields.take(lengthBytes) };
    });
    locations.set(item, extents);
  }
  return locations;
}
