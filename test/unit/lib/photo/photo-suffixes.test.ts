import { describe, expect, it } from "vitest";
import { photoNames, suffixOf } from "#lib/photo/photo-suffixes.ts";

describe("photoNames", () => {
  const names = photoNames();

  it.each([
    "a.jpg",
    "b/c.JPEG",
    "x.tar.Png",
    "y.tif",
    "a.jfif",
    "a.jpe",
    "a.MPO",
    "a.heic",
    "a.heif",
    "a.hif",
    "a.gif",
  ])("%s is a photo", (path) => expect(names(path)).toBe("photo"));
  it.each(["a.bmp", "a.tiff", "a.avif", "a.webp", "a.pjpeg", "a.dib", "a.jxl"])("%s is a photo", (path) => {
    expect(names(path)).toBe("photo");
  });

  it.each([
    "IMG_0001",
    "a.b/README",
    "jpg",
    "folder.jpg/name",
    "Screenshot 2024-05-06 at 10.30.45",
    ".profile",
    "ends.",
  ])("%s has no suffix", (path) => expect(names(path)).toBe("no suffix"));

  it.each(["a.txt", "a.jpg.txt", "a.jpg2", "a.jpg_original", "a.thm", "a.nef", "a.jpg~"])(
    "%s is something else",
    (path) => {
      expect(names(path)).toBe("other");
    },
  );

  it("takes the suffixes of a list, with dots and blanks, and nothing else", () => {
    const listed = photoNames(" .JPG , png");
    expect(["a.jpg", "a.PNG", "a.heic", "a"].map(listed)).toEqual(["photo", "photo", "other", "other"]);
  });

  it("refuses an empty list", () => {
    expect(() => photoNames(" , ")).toThrow('suffixes must be a list as "jpg,png", got " , "');
  });
});

it("knows a suffix by its letters", () => {
  expect(["a.B", "a.3gp", "a.2024", "a. b", "a."].map(suffixOf)).toEqual(["b", "3gp", undefined, undefined, undefined]);
});
