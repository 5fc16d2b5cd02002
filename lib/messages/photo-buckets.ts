import { z } from "zod";
import { setting, someText } from "#lib/runtime/config.ts";

/** Where photos are put by whoever ingests them, and where they may be read from unless a list says otherwise. */
export const photosBucketSetting = setting(
  "PHOTOS_BUCKET",
  someText.default("photos").describe("bucket that photos are stored in"),
);

/** The buckets that a featurizer reads photos from: whoever may announce could name any other of the account. */
export const bucketsSetting = setting(
  "FEATURIZER_BUCKETS",
  z
    .codec(z.string(), z.array(z.string().min(1)).min(1).readonly(), {
      decode: (text) => text.split(",").map((bucket) => bucket.trim()),
      encode: (buckets) => buckets.join(","),
    })
    .optional()
    .describe(
      "buckets that photos may be announced of, separated by commas; PHOTOS_BUCKET by default. Photos of any other are dead letters",
    ),
);
