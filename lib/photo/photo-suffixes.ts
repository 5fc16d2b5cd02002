import { FruitstreamError } from "#lib/runtime/errors.ts";

/** What a listing takes for photos: a bucket may hold anything, and these we can decode. */
export const LISTED_SUFFIXES = "jpg,jpeg,png,webp,avif,tif,tiff";

/**
 * What an upload takes for photos: a folder that someone names is taken at its word, and what can't be decoded will be
 * found among the dead letters with a reason instead of missing silently.
 */
export const UPLOADED_SUFFIXES = `${LISTED_SUFFIXES},gif,bmp,svg,heic,heif`;

/**
 * A test for names that end in one of the suffixes, in any case.
 *
 * @param suffixes separated by commas, each with or without its dot.
 * @throws usage when there is none.
 */
export function suffixTest(suffixes: string): (name: string) => boolean {
  const wanted = new Set(suffixes.split(",").map((suffix) => suffix.trim().replace(/^\./, "").toLowerCase()));
  wanted.delete("");
  if (wanted.size === 0) {
    throw new FruitstreamError("usage", `suffixes must be a list as "jpg,png", got ${JSON.stringify(suffixes)}`);
  }
  return (name) => {
    const dot = name.lastIndexOf(".");
    return dot > name.lastIndexOf("/") && wanted.has(name.slice(dot + 1).toLowerCase());
  };
}
