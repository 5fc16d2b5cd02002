import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import { readSnapshot } from "#lib/table/delta/read-snapshot.ts";

/** Tables that Delta's own project tests its readers with, and what delta-rs 1.6.6 sees in each. */
const GOLDEN = fileURLToPath(new URL("../../../../../../shared/delta-golden/", import.meta.url));
const hasGolden = existsSync(join(GOLDEN, "tables.tar.gz"));
if (!hasGolden) console.warn(`SKIPPED golden tables: there is no ${GOLDEN}tables.tar.gz`);

interface Seen {
  readonly version: number;
  readonly files: number;
  readonly refused?: string;
}

/** What delta-rs reads and we refuse: by the feature that the refusal has to name. */
const REFUSED_HERE: Readonly<Record<string, string>> = {
  "data-reader-timestamp_ntz-id-mode": "columnMapping",
  "data-reader-timestamp_ntz-name-mode": "columnMapping",
  "data-skipping-basic-stats-all-types-columnmapping-id": "columnMapping",
  "data-skipping-basic-stats-all-types-columnmapping-name": "columnMapping",
  "dv-partitioned-with-checkpoint": "deletionVectors",
  "dv-with-columnmapping": "columnMapping",
  "log-replay-dv-key-cases": "deletionVectors",
  "spark-variant-checkpoint": "variantType-preview",
  "table-with-columnmapping-mode-id": "columnMapping",
  "table-with-columnmapping-mode-name": "columnMapping",
  "table-with-icebegCompatV2Enabled": "columnMapping",
};

describe.skipIf(!hasGolden)("a public table", () => {
  const expected: Record<string, Seen> = hasGolden
    ? JSON.parse(readFileSync(join(GOLDEN, "expected.json"), "utf8"))
    : { "": { version: 0, files: 0 } };
  let folder: string;
  let store: ObjectStore;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "golden-tables-"));
    execFileSync("tar", ["xzf", join(GOLDEN, "tables.tar.gz"), "-C", folder]);
    store = await openFolderObjectStore(join(folder, ".store"), { golden: folder });
  });
  afterAll(async () => {
    store.close();
    await rm(folder, { recursive: true });
  });

  const snapshotOf = (prefix: string) =>
    readSnapshot({ store, location: { bucket: "golden", prefix }, logger: silentLogger, clock: systemClock });

  it.each(Object.entries(expected).filter(([name, { refused }]) => refused === undefined && !REFUSED_HERE[name]))(
    "has the version and the files that delta-rs sees: %s",
    async (name, { version, files }) => {
      const snapshot = await snapshotOf(name);
      expect({ version: snapshot.version, files: snapshot.files.size }).toEqual({ version, files });
    },
  );

  it.each(Object.entries(REFUSED_HERE))("is refused by the feature's name: %s", async (name, feature) => {
    expect(expected[name]?.refused).toBeUndefined();
    await expect(snapshotOf(name)).rejects.toThrow(`can't be read because of the table feature ${feature}: `);
  });

  it.each(Object.keys(expected).filter((name) => expected[name]?.refused !== undefined))(
    "is refused here as by delta-rs: %s",
    async (name) => {
      await expect(snapshotOf(name)).rejects.toMatchObject({ code: "invalid-table" });
    },
  );
});
