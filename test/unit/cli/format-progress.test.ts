import { expect, it } from "vitest";
import { formatProgress, formatSkipped } from "#cli/format-progress.ts";
import { NO_PROGRESS } from "#lib/intake/ingest-progress.ts";

it("tells the rate of announcements and leaves out what is zero", () => {
  const progress = { ...NO_PROGRESS, announced: 1200, skipped: 3 };
  expect(formatProgress(progress, 3000)).toBe("1200 announced (400/s), 3 skipped");
  expect(formatProgress({ ...progress, uploaded: 1100, existing: 100, skipped: 0 }, 2000)).toBe(
    "1200 announced (600/s), 1100 uploaded, 100 on S3 already",
  );
});

it("names what was skipped, the most first", () => {
  expect(formatSkipped({})).toBe("");
  expect(formatSkipped({ ".heic": 3, "without suffix": 9 })).toBe("9 without suffix, 3 .heic");
});
