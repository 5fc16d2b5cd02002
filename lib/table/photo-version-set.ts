import assert from "node:assert";
import { randomInt } from "node:crypto";
import { FINGERPRINT_BYTES, type Fingerprint } from "./photo-version.ts";

/** A fingerprint's four words, and the time. */
const SLOT_WORDS = 5;
const TIME_WORD = 4;
export const SLOT_BYTES = SLOT_WORDS * Uint32Array.BYTES_PER_ELEMENT;
const CAPACITY_MIN = 1_024;
/** Of the slots: linear probing then passes some eight of them for a fingerprint that is not there. */
const LOAD_MAX = 0.75;
/** How much is forgotten at once, so that looking for the oldest is paid for by many additions. */
const FORGOTTEN_PART = 8;
const TIME_SECONDS_MAX = 2 ** 32 - 1;

/**
 * A set of fingerprints, each with a time, that holds the latest `countMax` of them: when it is full, the oldest eighth
 * is forgotten. Open addressing in one typed array: 27 MB a million when full, up to twice that while it is smaller, and
 * twice while it grows or forgets.
 */
export class PhotoVersionSet {
  readonly #countMax: number;
  readonly #capacityMax: number;
  /**
   * Each set has its slots in an order of its own. What comes in the order of another set's slots would fill this one from
   * its beginning, if they had the same, and linear probing would pass all that is there already.
   */
  readonly #salt = randomInt(2 ** 32);
  #capacity: number;
  #slots: Uint32Array;
  #count = 0;

  constructor(countMax: number) {
    assert(countMax >= 1, `a set of at most ${countMax} photo versions holds none`);
    this.#countMax = countMax;
    this.#capacityMax = Math.ceil(countMax / LOAD_MAX) + 1;
    this.#capacity = Math.min(CAPACITY_MIN, this.#capacityMax);
    this.#slots = new Uint32Array(this.#capacity * SLOT_WORDS);
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#slots.byteLength;
  }

  has(fingerprint: Fingerprint): boolean {
    return this.#slots[this.#find(wordsOf(fingerprint)) + TIME_WORD] !== 0;
  }

  /** One that is there keeps the later of both times. Blocks for some 0.1 s a million when the set has to grow or forget. */
  add(fingerprint: Fingerprint, timeMs: number): void {
    this.#add(wordsOf(fingerprint), secondsOf(timeMs));
  }

  /** Forgets those that are older. */
  forgetBefore(timeMs: number): void {
    const seconds = secondsOf(timeMs);
    this.#rebuild(this.#capacity, (time) => time >= seconds);
  }

  /**
   * Each fingerprint with its time in seconds since the epoch, as five little-endian words of 32 bits; so many of them in
   * one array at most.
   */
  *encode(countMax: number): Generator<Uint8Array> {
    let left = this.#count;
    let bytes = Buffer.allocUnsafeSlow(Math.min(left, countMax) * SLOT_BYTES);
    let at = 0;
    for (let slot = 0; slot < this.#slots.length; slot += SLOT_WORDS) {
      if (this.#slots[slot + TIME_WORD] === 0) continue;
      if (at === bytes.byteLength) {
        yield bytes;
        left -= countMax;
        bytes = Buffer.allocUnsafeSlow(Math.min(left, countMax) * SLOT_BYTES);
        at = 0;
      }
      for (let word = 0; word < SLOT_WORDS; word++) at = bytes.writeUInt32LE(this.#slots[slot + word]!, at);
    }
    yield bytes;
  }

  /** Adds what `encode` has given; of more than there may be, the latest. */
  decode(bytes: Uint8Array): void {
    const count = bytes.byteLength / SLOT_BYTES;
    assert(Number.isInteger(count), `${bytes.byteLength} bytes are no whole number of photo versions`);
    this.#growFor(Math.min(this.#count + count, this.#countMax));
    for (let at = 0; at < bytes.byteLength; at += SLOT_BYTES) {
      this.#add(wordsOf(bytes, at), wordAt(bytes, at + FINGERPRINT_BYTES));
    }
  }

  #add(words: Words, seconds: number): void {
    const slot = this.#find(words);
    const time = this.#slots[slot + TIME_WORD]!;
    if (time !== 0) {
      this.#slots[slot + TIME_WORD] = Math.max(time, seconds);
      return;
    }
    if (this.#count >= this.#countMax) this.#forgetOldest();
    this.#growFor(this.#count + 1);
    this.#put(words, seconds);
  }

  #put(words: Words, seconds: number): void {
    const slot = this.#find(words);
    this.#slots[slot] = words.a;
    this.#slots[slot + 1] = words.b;
    this.#slots[slot + 2] = words.c;
    this.#slots[slot + 3] = words.d;
    this.#slots[slot + TIME_WORD] = seconds;
    this.#count += 1;
  }

  /** Where the fingerprint is, or the free slot where it would be. */
  #find({ a, b, c, d }: Words): number {
    const slots = this.#slots;
    let slot = Math.floor((hashOf(a ^ this.#salt) / 2 ** 32) * this.#capacity) * SLOT_WORDS;
    while (slots[slot + TIME_WORD] !== 0) {
      if (slots[slot] === a && slots[slot + 1] === b && slots[slot + 2] === c && slots[slot + 3] === d) return slot;
      slot += SLOT_WORDS;
      if (slot === slots.length) slot = 0;
    }
    return slot;
  }

  #growFor(count: number): void {
    let capacity = this.#capacity;
    while (count > capacity * LOAD_MAX && capacity < this.#capacityMax) {
      capacity = Math.min(2 * capacity, this.#capacityMax);
    }
    if (capacity > this.#capacity) this.#rebuild(capacity, () => true);
  }

  #forgetOldest(): void {
    const times = new Uint32Array(this.#count);
    let seen = 0;
    for (let slot = 0; slot < this.#slots.length; slot += SLOT_WORDS) {
      const time = this.#slots[slot + TIME_WORD]!;
      if (time !== 0) times[seen++] = time;
    }
    let forgotten = Math.ceil(this.#count / FORGOTTEN_PART);
    const oldestKept = times.sort()[forgotten] ?? TIME_SECONDS_MAX;
    forgotten -= times.indexOf(oldestKept);
    // Of those that are all of one time as many go as are still too many.
    this.#rebuild(this.#capacity, (time) => time > oldestKept || (time === oldestKept && forgotten-- <= 0));
  }

  #rebuild(capacity: number, isKept: (seconds: number) => boolean): void {
    const before = this.#slots;
    this.#capacity = capacity;
    this.#slots = new Uint32Array(capacity * SLOT_WORDS);
    this.#count = 0;
    for (let slot = 0; slot < before.length; slot += SLOT_WORDS) {
      const time = before[slot + TIME_WORD]!;
      if (time === 0 || !isKept(time)) continue;
      const [a, b, c, d] = [before[slot]!, before[slot + 1]!, before[slot + 2]!, before[slot + 3]!];
      this.#put({ a, b, c, d }, time);
    }
  }
}

/** A fingerprint. An object that is used at once and has no elements costs no memory, an array does. */
interface Words {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

function wordsOf(bytes: Uint8Array, at = 0): Words {
  return { a: wordAt(bytes, at), b: wordAt(bytes, at + 4), c: wordAt(bytes, at + 8), d: wordAt(bytes, at + 12) };
}

/** Little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** MurmurHash3's finaliser: each bit of the word depends on all of them. From 0 to below 2^32. */
function hashOf(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Never 0, which says that a slot is free. */
function secondsOf(timeMs: number): number {
  return Math.min(TIME_SECONDS_MAX, Math.max(1, Math.floor(timeMs / 1_000)));
}
