import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * Suffixes of photos, wherever they come from: those of the formats that can be decoded, and of pictures that can't
 * (JPEG XL, JPEG 2000, SVG), which are found among the dead letters with a reason instead of missing silently. Camera
 * raw files are not among them: beside most of them lies the JPEG that the camera made.
 */
export const PHOTO_SUFFIXES =
  "jpg,jpeg,jpe,jfif,jfi,jif,pjpeg,pjp,mpo,png,apng,webp,avif,avifs,heic,heics,heif,heifs,hif,tif,tiff,btf,gif,bmp,dib,jxl,jp2,j2k,jpx,svg";

/**
 * What a name tells: that it is a photo's, that it has no suffix and so the first bytes must tell, or that it has the
 * suffix of something else (a copy as `.jpg_original` or `.thm`, a raw file), which is left out whatever is in it.
 */
type NameVerdict = "photo" | "no suffix" | "other";

/** Tells photos by their name or path. */
export type PhotoNames = (path: string) => NameVerdict;

/**
 * Tells photos by the suffixes of this project, or by those of a list, in any case.
 *
 * @param suffixes separated by commas, each with or without its dot. With them nothing else is a photo, whatever it
 * begins with.
 * @throws usage when the list is empty.
 */
export function photoNames(suffixes?: string): PhotoNames {
  const wanted = new Set(
    (suffixes ?? PHOTO_SUFFIXES).split(",").map((one) => one.trim().replace(/^\./, "").toLowerCase()),
  );
  wanted.delete("");
  if (wanted.size === 0) {
    throw new FruitstreamError("usage", `suffixes must be a list as "jpg,png", got ${JSON.stringify(suffixes)}`);
  }
  return (path) => {
    if (wanted.has(behindLastDot(path))) return "photo";
    return suffixes === undefined && suffixOf(path) === undefined ? "no suffix" : "other";
  };
}

/**
 * A name's suffix in lower case, without its dot. Undefined where what stands behind the last dot is none: nothing,
 * digits alone (`Screenshot 2024-05-06 at 10.30.45`), or what no suffix has, as a blank.
 */
export function suffixOf(path: string): string | undefined {
  const suffix = behindLastDot(path);
  return /^(?=.*\D)[a-z0-9_~+-]{1,16}$/.test(suffix) ? suffix : undefined;
}

/** In lower case; empty when there is no dot but at the name's beginning, as hidden files have it. */
function behindLastDot(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}
