import { expect, it } from "vitest";
import { formatProgress } from "#cli/format-progress.ts";

it("tells the rate of announcements and leaves out what is zero", () => {
  const progress = { announced: 1200, uploaded: 0, existing: 0, skipped: 3, lastKey: undefined };
  expect(formatProgress(progress, 3000)).toBe("1200 announced (400/s), 3 skipped");
  expect(formatProgress({ ...progress, uploaded: 1100, existing: 100, skipped: 0 }, 2000)).toBe(
    "1200 announced (600/s), 1100 uploaded, 100 on S3 already",
  );
});
