import { describe, expect, it } from "vitest";
import { LISTED_SUFFIXES, suffixTest, UPLOADED_SUFFIXES } from "#lib/photo/photo-suffixes.ts";

describe("suffixTest", () => {
  it("takes a name by its last suffix, in any case", () => {
    const isPhoto = suffixTest(LISTED_SUFFIXES);
    expect(["a.jpg", "b/c.JPEG", "x.tar.Png", "y.tif"].filter(isPhoto)).toHaveLength(4);
    expect(["a.txt", "jpg", "a.jpg/readme", "a.jpg.txt", "a.jpg2", "folder.jpg/name"].filter(isPhoto)).toEqual([]);
  });

  it("takes more from a folder that was named than from a bucket", () => {
    expect(suffixTest(UPLOADED_SUFFIXES)("a.heic")).toBe(true);
    expect(suffixTest(LISTED_SUFFIXES)("a.heic")).toBe(false);
  });

  it("reads suffixes with dots and blanks", () => {
    expect(suffixTest(" .JPG , png")("a.jpg")).toBe(true);
  });

  it("refuses an empty list", () => {
    expect(() => suffixTest(" , ")).toThrow('suffixes must be a list as "jpg,png", got " , "');
  });
});
