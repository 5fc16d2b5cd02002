import { describe, expect, it } from "vitest";
import { formatTableUri, parseTableUri, tableObject } from "#lib/table/table-location.ts";

describe("a table's URI", () => {
  it.each(["s3://tables/photos/features", "s3://tables/photos/features/", "s3://tables//photos/features//"])(
    "%s names bucket and prefix",
    (uri) => {
      const location = parseTableUri(uri);
      expect(location).toEqual({ bucket: "tables", prefix: "photos/features" });
      expect(formatTableUri(location)).toBe("s3://tables/photos/features");
      expect(tableObject(location, "a/b")).toEqual({ bucket: "tables", key: "photos/features/a/b" });
    },
  );

  it.each(["tables/features", "s3://tables", "s3://tables/", "http://tables/a", ""])("%s is refused", (uri) => {
    expect(() => parseTableUri(uri)).toThrow(expect.objectContaining({ code: "invalid-config" }) as Error);
  });
});
