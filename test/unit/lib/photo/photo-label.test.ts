import { describe, expect, it } from "vitest";
import { labelOfKey, UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";

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
});
