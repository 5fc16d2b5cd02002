import type { PhotoAnnouncer } from "#lib/intake/announce-photo.ts";
import type { IngestProgress, OnProgress } from "#lib/intake/ingest-progress.ts";
import type { RecordLog } from "#lib/log/record-log.ts";
import type { RetryHooks } from "#lib/runtime/retry.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DemoServicesConfig } from "./demo-services.ts";

/** What a demo runs on: servers with a process for each service, or this process and a folder. */
export interface DemoBackend {
  readonly log: RecordLog;
  readonly store: ObjectStore;
  /** What becomes of the table where it was written; its copy always stays. */
  readonly tableAfterwards: "kept" | "kept-by-stopped-stack" | "removed";
  /** Announces each photo of a folder, uploaded or where it lies. */
  announcePhotos(
    folder: string,
    announcer: PhotoAnnouncer,
    hooks: RetryHooks,
    onProgress: OnProgress,
  ): Promise<IngestProgress>;
  /** Resolves when the services have their partitions. */
  startServices(config: DemoServicesConfig): Promise<DemoServices>;
  /** Stops what this backend started and closes what it opened. */
  close(): Promise<void>;
}

/** A demo's featurizers and reducers. */
export interface DemoServices {
  /** Rejects when they can't be kept running. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
  /** The largest resident sets, by process; complete once they have stopped. */
  rssPeakBytes(): Readonly<Record<string, number>>;
}
