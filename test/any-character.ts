import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };

/**
 * Every Unicode character, the first ones more often than others: the unit of strings that may hold anything. fast-check's
 * own unit "binary" holds the same, but takes a second of CPU to list them all.
 */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count));
