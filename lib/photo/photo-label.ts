/** Folders that say where photos come from, not what they show. */
export const UNLABELLED_FOLDERS = "^(photos|inbox|unlabelled)$";

/**
 * A photo's label: the name of its parent folder, in Unicode's normal form C, so that macOS' decomposed names and
 * others give one label. Null when the key has no folder, or one whose name matches `unlabelled`.
 */
export function labelOfKey(key: string, unlabelled: RegExp): string | null {
  const folder = key.split("/").at(-2)?.normalize("NFC");
  return folder === undefined || folder === "" || unlabelled.test(folder) ? null : folder;
}

/**
 * The first character of a name or label that can't be seen, as `U+200B`; undefined when all can be. Controls (Cc),
 * format characters (Cf), line and paragraph separators (Zl, Zp) make two labels of what reads like one, or turn a name
 * around. Joiners are allowed where they can be seen: between the pictures of an emoji, between Arabic letters, and
 * behind a virama of an Indic script.
 */
export function unseenCharacterOf(text: string): string | undefined {
  const unseen = UNSEEN.exec(text)?.[0];
  return unseen === undefined ? undefined : `U+${unseen.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * What is wrong with the name of a photo or with its label, as a sentence about the photo; undefined for nothing.
 *
 * @param key the S3 key, or a path with slashes: its last segment is the name.
 */
export function problemOfName(key: string, label: string | null): string | undefined {
  const inName = unseenCharacterOf(key.slice(key.lastIndexOf("/") + 1));
  if (inName !== undefined) return `its name holds ${inName}, a character that can't be seen; rename it`;
  const inLabel = label === null ? undefined : unseenCharacterOf(label);
  return inLabel && `its label, the folder's name, holds ${inLabel}, a character that can't be seen; rename the folder`;
}

const EMOJI_JOINER = String.raw`(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F])\u200D(?=\p{Extended_Pictographic})`;
const ARABIC_JOINER = String.raw`(?<=\p{Script=Arabic}\p{M}*)\u200C(?=\p{Script=Arabic})`;
/** Viramas are the marks of combining class 9 (UnicodeData.txt); these are the scripts that write with joiners. */
const VIRAMAS = String.raw`\u094D\u09CD\u0A4D\u0ACD\u0B4D\u0BCD\u0C4D\u0CCD\u0D4D\u0DCA`;
const INDIC_JOINER = `(?<=[${VIRAMAS}])[\\u200C\\u200D]`;
const SEEN_JOINERS = [EMOJI_JOINER, ARABIC_JOINER, INDIC_JOINER].join("|");
const UNSEEN = new RegExp(String.raw`(?!${SEEN_JOINERS})[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]`, "u");
