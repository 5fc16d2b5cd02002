import type avro from "avsc";

/** More values than a message of ours has by far; every byte of the body allows one more. */
const VALUES_MIN = 4_096;
/** Deeper than any message nests; a schema may refer to itself. */
const DEPTH_MAX = 32;
/** A long has at most so many bytes (64 bits, 7 a byte). */
const LONG_BYTES_MAX = 10;

/**
 * Walks over a message's body by its schema, without making anything of it, so that whoever decodes it afterwards reads
 * no more values than the body has bytes, and no length or count that leads out of it. avsc itself believes a count
 * before it looks at what follows: an array that announces 4·10⁹ items is allocated, and one of empty items is filled.
 *
 * @throws an error whose sentence names the length, the count or the place that is wrong.
 */
export function requireBounded(type: avro.Type, body: Buffer): void {
  const walk = new Walk(body);
  walk.value(type, 0);
  walk.requireEnd();
}

/**
 * The items of an array or a map of the schema that may take no bytes at all (null, an empty record, a fixed of size 0), by
 * their type's name; undefined when there are none. Of such items a few bytes can announce any number.
 */
export function emptyItemsIn(type: avro.Type): string | undefined {
  const seen = new Set<avro.Type>();
  const search = (inner: avro.Type): string | undefined => {
    if (seen.has(inner)) return undefined;
    seen.add(inner);
    const items = itemsOf(inner);
    if (items && takesNoBytes(items, new Set())) return `${inner.typeName} of ${items.name ?? items.typeName}`;
    for (const part of partsOf(inner)) {
      const found = search(part);
      if (found) return found;
    }
    return undefined;
  };
  return search(type);
}

class Walk {
  readonly #body: Buffer;
  #position = 0;
  #valuesLeft: number;

  constructor(body: Buffer) {
    this.#body = body;
    this.#valuesLeft = VALUES_MIN + body.length;
  }

  requireEnd(): void {
    const left = this.#body.length - this.#position;
    if (left > 0) throw new Error(`${left} bytes are left over after its end`);
  }

  value(type: avro.Type, depth: number): void {
    if (depth > DEPTH_MAX) throw new Error(`it nests deeper than ${DEPTH_MAX} levels`);
    if (--this.#valuesLeft < 0)
      throw new Error(`it announces more values than its ${this.#body.length} bytes can hold`);
    switch (type.typeName) {
      case "null":
        break;
      case "boolean":
        this.#skip(1, "boolean");
        break;
      case "int":
      case "long":
        this.#long();
        break;
      case "enum":
        this.#index((type as avro.types.EnumType).symbols.length, "symbol");
        break;
      case "float":
        this.#skip(4, "float");
        break;
      case "double":
        this.#skip(8, "double");
        break;
      case "bytes":
      case "string":
        this.#skip(this.#long(), type.typeName);
        break;
      case "fixed":
        this.#skip((type as avro.types.FixedType).size, "fixed");
        break;
      case "array":
      case "map":
        this.#blocks(type, depth);
        break;
      case "union:unwrapped":
      case "union:wrapped":
        this.#branch((type as avro.types.UnwrappedUnionType).types, depth);
        break;
      case "record":
      case "error":
        for (const field of (type as avro.types.RecordType).fields) this.value(field.type, depth + 1);
        break;
      default:
        throw new Error(`its schema has the type ${type.typeName}, which no message has`);
    }
  }

  #branch(types: readonly avro.Type[], depth: number): void {
    this.value(types[this.#index(types.length, "branch of a union")]!, depth + 1);
  }

  /** A count of 0 ends them; before a negative one's items stands the bytes that they take. */
  #blocks(type: avro.Type, depth: number): void {
    const items = itemsOf(type)!;
    for (let count = this.#long(); count !== 0; count = this.#long()) {
      const bytes = count < 0 ? this.#long() : undefined;
      const start = this.#position;
      const number = Math.abs(count);
      if (number > this.#valuesLeft) {
        throw new Error(`it announces ${number} items of its ${type.typeName}, and has ${this.#left} bytes left`);
      }
      for (let item = 0; item < number; item++) {
        if (type.typeName === "map") this.#skip(this.#long(), "key of a map");
        this.value(items, depth + 1);
      }
      if (bytes !== undefined && bytes !== this.#position - start) {
        throw new Error(`it announces ${bytes} bytes of items where there are ${this.#position - start}`);
      }
    }
  }

  get #left(): number {
    return this.#body.length - this.#position;
  }

  #skip(bytes: number, what: string): void {
    if (!(bytes >= 0 && bytes <= this.#left)) {
      throw new Error(`it announces ${bytes} bytes of ${what}, and has ${this.#left} left`);
    }
    this.#position += bytes;
  }

  #index(count: number, what: string): number {
    const index = this.#long();
    if (!(index >= 0 && index < count)) throw new Error(`it names ${what} ${index} of ${count}`);
    return index;
  }

  /** A zigzag number as Avro has it; only its size matters beyond the safe integers, which avsc refuses. */
  #long(): number {
    let value = 0;
    for (let index = 0; index < LONG_BYTES_MAX; index++) {
      const byte = this.#body[this.#position];
      if (byte === undefined) throw new Error("it is cut short");
      this.#position += 1;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new Error(`it has a number of more than ${LONG_BYTES_MAX} bytes`);
  }
}

function itemsOf(type: avro.Type): avro.Type | undefined {
  if (type.typeName === "array") return (type as avro.types.ArrayType).itemsType;
  if (type.typeName === "map") return (type as avro.types.MapType).valuesType;
  return undefined;
}

/** The types that a type is made of. */
function partsOf(type: avro.Type): readonly avro.Type[] {
  const items = itemsOf(type);
  if (items) return [items];
  const { fields, types } = type as Partial<avro.types.RecordType & { types: readonly avro.Type[] }>;
  return fields?.map((field) => field.type) ?? types ?? [];
}

/** Only a value of these has no bytes: whatever else there is begins with a number. A record in itself has no value. */
function takesNoBytes(type: avro.Type, within: Set<avro.Type>): boolean {
  if (type.typeName === "null") return true;
  if (type.typeName === "fixed") return (type as avro.types.FixedType).size === 0;
  if (type.typeName !== "record" && type.typeName !== "error") return false;
  if (within.has(type)) return true;
  within.add(type);
  return (type as avro.types.RecordType).fields.every((field) => takesNoBytes(field.type, within));
}
