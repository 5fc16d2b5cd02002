import { describe, expect, it } from "vitest";
import { labelOfKey, problemOfName, UNLABELLED_FOLDERS, unseenCharacterOf } from "#lib/photo/photo-label.ts";

describe("labelOfKey", () => {
  const unlabelled = new RegExp(UNLABELLED_FOLDERS);

  it.each([
    ["photos/Apple Red 1/3_100.jpg", "Apple Red 1"],
    ["photos/2024/Kiwi/a.jpg", "Kiwi"],
    ["Kiwi/a.jpg", "Kiwi"],
    ["photos/Kiwi photos/a.jpg", "Kiwi photos"],
    ["a.jpg", null],
    ["photos//a.jpg", null],
    ["photos/a.jpg", null],
    ["photos/inbox/a.jpg", null],
    ["photos/unlabelled/a.jpg", null],
  ])("of %s is %s", (key, label) => {
    expect(labelOfKey(key, unlabelled)).toBe(label);
  });

  it("is the same for both normal forms of Unicode", () => {
    expect(labelOfKey("gro\u0308\u00dfe/a.jpg", unlabelled)).toBe("gr\u00f6\u00dfe");
    expect(labelOfKey("gr\u00f6\u00dfe/a.jpg", unlabelled)).toBe("gr\u00f6\u00dfe");
  });
});

describe("unseenCharacterOf", () => {
  it.each([
    ["a zero width space", "ap\u200bple", "U+200B"],
    ["a soft hyphen", "ap\u00adple", "U+00AD"],
    ["a byte order mark", "\ufeffapple", "U+FEFF"],
    ["what turns the text around", "gpj.\u202eapple", "U+202E"],
    ["a line separator", "a\u2028b", "U+2028"],
    ["a paragraph separator", "a\u2029b", "U+2029"],
    ["a line feed", "a\nb", "U+000A"],
    ["a control of C1", "a\u0085b", "U+0085"],
    ["a tag", "a\u{e0041}", "U+E0041"],
    ["a joiner between letters", "ap\u200dple", "U+200D"],
    ["a joiner at the end of an emoji", "\u{1f34e}\u200d", "U+200D"],
    ["a non-joiner between Latin letters", "ap\u200cple", "U+200C"],
  ])("finds %s", (_, text, found) => {
    expect(unseenCharacterOf(text)).toBe(found);
  });

  it.each(["\u{1f469}\u200d\u{1f33e}", "\u{1f469}\u{1f3fd}\u200d\u{1f33e}", "\u2764\ufe0f\u200d\u{1f525}"])(
    "lets the joiners of the emoji %s be",
    (text) => expect(unseenCharacterOf(text)).toBeUndefined(),
  );

  it.each([
    "\u0633\u06cc\u0628\u200c\u0632\u0645\u06cc\u0646\u06cc",
    "\u0915\u094d\u200d\u0937",
    "gr\u00f6\u00dfe",
    "\u65e5\u672c",
    "a b",
  ])("sees every character of %s", (text) => expect(unseenCharacterOf(text)).toBeUndefined());
});

it("says whether the name or the label is wrong", () => {
  expect(problemOfName("kiwi/1.jpg", "kiwi")).toBeUndefined();
  expect(problemOfName("ki\u200bwi/1.jpg", null)).toBeUndefined();
  expect(problemOfName("kiwi/\u202e1.jpg", "kiwi")).toMatch(/^its name holds U\+202E, /);
  expect(problemOfName("ki\u200bwi/1.jpg", "ki\u200bwi")).toMatch(/^its label, the folder's name, holds U\+200B, /);
});
