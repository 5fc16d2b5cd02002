/**
 * Where a key's object lies below its bucket's folder, with slashes. Keys of ordinary names are paths as they are, so
 * that other programs find a table's files; what no file can be called is escaped:
 *
 * - control characters, backslashes and percent signs as `%` with two upper-case hex digits, and so the dots of a
 *   segment that is `.` or `..`: no key leads out of its folder;
 * - an empty segment (`a//b`, `a/`) as a lone `%`;
 * - a segment longer than a file name may be as several names, one folder in the other, each but the last ending in a
 *   bare `%`.
 *
 * Different keys have different paths, but for file systems that take `A` for `a`.
 */
export function pathOfKey(key: string): string {
  return key.split("/").flatMap(namesOfSegment).join("/");
}

/** Whether a folder holds no segment of its own but the rest of a long one. */
export function isContinued(name: string): boolean {
  return name.length > 1 && name.endsWith("%");
}

/** The part of a key's segment that a name stands for. What `pathOfKey` has not made may come out as anything. */
export function textOfName(name: string): string {
  return name.replace(/%([0-9A-F]{2})|%$/g, (_, hex?: string) =>
    hex === undefined ? "" : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** What Linux and macOS allow in UTF-8. */
const NAME_BYTES_MAX = 255;

function namesOfSegment(segment: string): string[] {
  if (segment === "") return ["%"];
  const escaped = /^\.\.?$/.test(segment)
    ? segment.replaceAll(".", "%2E")
    : segment.replace(/[\p{Cc}\\%]/gu, escapeCharacter);
  return Buffer.byteLength(escaped) <= NAME_BYTES_MAX ? [escaped] : cut(escaped);
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  // The control characters beyond ASCII are harmless in names and would need more digits.
  return code > 0x7f ? character : `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
}

function cut(escaped: string): string[] {
  const names = [""];
  let nameBytes = 0;
  // Neither an escape nor a character is torn apart.
  for (const unit of escaped.match(/%[0-9A-F]{2}|./gsu) ?? []) {
    const unitBytes = Buffer.byteLength(unit);
    if (nameBytes + unitBytes > NAME_BYTES_MAX - 1) {
      names.push("");
      nameBytes = 0;
    }
    names[names.length - 1] += unit;
    nameBytes += unitBytes;
  }
  return names.map((name, index) => (index === names.length - 1 ? name : `${name}%`));
}
