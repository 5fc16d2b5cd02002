import { z } from "zod";
import { kafkaConfig } from "#lib/log/kafka/kafka-config.ts";
import { photosBucketSetting } from "#lib/messages/photo-buckets.ts";
import { topicsConfig } from "#lib/messages/topics.ts";
import { UNLABELLED_FOLDERS } from "#lib/photo/photo-label.ts";
import { setting, someText, wholeNumber } from "#lib/runtime/config.ts";
import { logConfig } from "#lib/runtime/logger.ts";
import { s3Config } from "#lib/store/s3/s3-config.ts";

const MIB = 1_048_576;

const pattern = z.codec(
  z.string(),
  z.instanceof(RegExp).refine(({ flags }) => flags === "", "must be a regular expression without flags"),
  {
    decode: (text, { issues }) => {
      try {
        return new RegExp(text);
      } catch {
        issues.push({ code: "custom", message: "must be a regular expression", input: text });
        return z.NEVER;
      }
    },
    encode: ({ source }) => source,
  },
);

/** The HTTP service's settings, all from the environment. Each bound says why it is there. */
export const ingestConfig = {
  ...logConfig,
  ...kafkaConfig,
  ...s3Config,
  ...topicsConfig,
  photosBucket: photosBucketSetting,
  httpHost: setting(
    "HTTP_HOST",
    someText.default("127.0.0.1").describe("address to listen on; all clients of the network: 0.0.0.0"),
  ),
  httpPort: setting(
    "HTTP_PORT",
    wholeNumber(0, 65_535).default(8080).describe("port to listen on; 0 takes a free one"),
  ),

  photoBytesMax: setting(
    "INGEST_PHOTO_BYTES_MAX",
    wholeNumber(1, 1_024 * MIB)
      .default(64 * MIB)
      .describe("larger photos are refused with 413; keep it at the featurizer's own limit"),
  ),
  inFlightBytesMax: setting(
    "INGEST_IN_FLIGHT_BYTES_MAX",
    wholeNumber(1, 16_384 * MIB)
      .default(256 * MIB)
      .describe("bodies held in memory at the same time; uploads above it are put off with 503"),
  ),
  connectionsMax: setting(
    "INGEST_CONNECTIONS_MAX",
    wholeNumber(1, 100_000)
      .default(2_000)
      .describe("open connections; more are closed at once, before they cost memory"),
  ),
  requestMsMax: setting(
    "INGEST_REQUEST_MS_MAX",
    wholeNumber(1_000, 3_600_000)
      .default(120_000)
      .describe("a request must have arrived whole by then; frees what clients that stall hold"),
  ),
  unlabelledFolders: setting(
    "INGEST_UNLABELLED_FOLDERS",
    pattern
      .default(new RegExp(UNLABELLED_FOLDERS))
      .describe("labels that say nothing: photos under them are announced without one"),
  ),
};
