import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePhotoPath } from "#lib/photo/photo-path.ts";
import { anyCharacter } from "../../../any-character.ts";
import { propertyRuns } from "../../../property-runs.ts";

/** Paths of a URL, with more relative folders and escaped slashes than people write. */
const paths = fc
  .array(
    fc.oneof(
      fc.constantFrom("", ".", "..", "%2e%2E", "a%2Fb", "a%5cb"),
      fc.string({ unit: fc.oneof(fc.constantFrom(..."aZ0-._~!$&'()*+,;=:@%"), anyCharacter.map(encodeURIComponent)) }),
    ),
  )
  .map((segments) => segments.map((segment) => `/${segment}`).join(""));

describe("parsePhotoPath", () => {
  it("decodes label and name", () => {
    expect(parsePhotoPath("/v1/photos/Apple%20Red/%E6%97%A5.jpg?x=1")).toEqual({ label: "Apple Red", name: "日.jpg" });
  });

  it.each(["/", "/v1/photos", "/v1/photos/a", "/v1/photos/a/b/c", "/v2/photos/a/b", ""])(
    "knows no photo at %s",
    (target) => {
      expect(parsePhotoPath(target)).toBeUndefined();
    },
  );

  it.each([
    ["/v1/photos//a.jpg", "the label must not be empty"],
    ["/v1/photos/kiwi/", "the name must not be empty"],
    ["/v1/photos/../a.jpg", "the label must not be a relative folder"],
    ["/v1/photos/%2E%2E/a.jpg", "the label must not be a relative folder"],
    ["/v1/photos/kiwi/.", "the name must not be a relative folder"],
    ["/v1/photos/a%2Fb/c.jpg", "the label must not hold slashes"],
    ["/v1/photos/kiwi/a%5Cb.jpg", "the name must not hold slashes or backslashes"],
    ["/v1/photos/kiwi/a%00.jpg", "the name must not hold U+0000, a character that can't be seen"],
    ["/v1/photos/ki%E2%80%8Bwi/a.jpg", "the label must not hold U+200B, a character that can't be seen"],
    ["/v1/photos/kiwi/%E2%80%AEa.jpg", "the name must not hold U+202E, a character that can't be seen"],
    ["/v1/photos/kiwi/a%E2%80%A8.jpg", "the name must not hold U+2028, a character that can't be seen"],
    ["/v1/photos/kiwi/%ff.jpg", "the name must be percent-encoded UTF-8"],
    [`/v1/photos/kiwi/${"x".repeat(201)}`, "the name has 201 bytes in UTF-8, more than 200"],
  ])("refuses %s", (target, message) => {
    expect(() => parsePhotoPath(target)).toThrow(message);
  });

  it("never lets a label or name leave its folder", () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), paths, (text, path) => {
        for (const target of [
          `/v1/photos/kiwi/${encoded(text)}`,
          `/v1/photos/${encoded(text)}/a`,
          `/v1/photos${path}`,
        ]) {
          const parsed = parseOrUndefined(target);
          for (const segment of parsed ? [parsed.label, parsed.name] : []) {
            expect(segment).not.toMatch(/^\.{0,2}$|\/|\0/);
          }
        }
      }),
      propertyRuns(100),
    );
  });
});

function parseOrUndefined(target: string) {
  try {
    return parsePhotoPath(target);
  } catch {
    return undefined;
  }
}

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : text;
}
