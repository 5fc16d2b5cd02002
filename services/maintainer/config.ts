import { statusServerConfig } from "#lib/http/status-server.ts";
import { type ConfigOf, setting, someText, wholeNumber } from "#lib/runtime/config.ts";
import { logConfig } from "#lib/runtime/logger.ts";
import { niceSetting } from "#lib/runtime/priority.ts";
import { s3Config } from "#lib/store/s3/s3-config.ts";
import { FILE_BYTES_MAX } from "#lib/table/operations/plan-compaction.ts";

const MIB = 1_048_576;
const DAY_MS = 86_400_000;

/** What a maintainer is told of its work, wherever the table is. Each bound says why it is there. */
export const maintainerWorkConfig = {
  intervalMs: setting(
    "MAINTAINER_INTERVAL_MS",
    wholeNumber(1_000, DAY_MS)
      .default(300_000)
      .describe(
        "from the end of a round of maintenance to the next; one that finds nothing to do asks S3 some ten times",
      ),
  ),
  quietMs: setting(
    "MAINTAINER_QUIET_MS",
    wholeNumber(0, 366 * DAY_MS)
      .default(3_600_000)
      .describe("a partition that nothing was added to for so long is closed: all its small files become few"),
  ),
  fileBytesMax: setting(
    "MAINTAINER_FILE_BYTES_MAX",
    wholeNumber(MIB, 1_024 * MIB)
      .default(FILE_BYTES_MAX)
      .describe("about what a compacted file has; the maintainer takes up to four times as much memory"),
  ),
  openFilesMin: setting(
    "MAINTAINER_OPEN_FILES_MIN",
    wholeNumber(2, 10_000)
      .default(32)
      .describe("in a partition that is still written to, so many files of like size become one"),
  ),
  repeatsMs: setting(
    "MAINTAINER_REPEATS_MS",
    wholeNumber(1_000, 366 * DAY_MS)
      .default(DAY_MS)
      .describe(
        "how often the table is looked through for photo versions that have several rows, of which the first stays; a million rows take some seconds",
      ),
  ),
  vacuumMs: setting(
    "MAINTAINER_VACUUM_MS",
    wholeNumber(1_000, 366 * DAY_MS)
      .default(3_600_000)
      .describe(
        "how often the table's folder is listed for files that no version needs any more; how long they are kept is the table's property `delta.deletedFileRetentionDuration`",
      ),
  ),
};

export type MaintainerWorkConfig = ConfigOf<typeof maintainerWorkConfig>;

/** The settings of a maintainer's process, all from the environment. */
export const maintainerConfig = {
  ...logConfig,
  ...s3Config,
  ...statusServerConfig,
  tableUri: setting("TABLE_URI", someText.describe("s3://bucket/prefix of the table; created when it is not there")),
  nice: setting("MAINTAINER_NICE", niceSetting),
  ...maintainerWorkConfig,
};
