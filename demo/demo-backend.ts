import type { RecordLog } from "#lib/log/record-log.ts";
import type { ObjectStore } from "#lib/store/object-store.ts";
import type { DemoOptions } from "./demo-options.ts";
import type { DemoServicesConfig } from "./demo-services.ts";

/** What a demo runs on: servers with a process for each service, or this process and a folder. */
export interface DemoBackend {
  readonly log: RecordLog;
  readonly store: ObjectStore;
  /** Whether the demo's table outlives the demo where it was written; its copy always does. */
  readonly keepsTable: boolean;
  /** Resolves when the services have their partitions. */
  startServices(config: DemoServicesConfig): Promise<DemoServices>;
  /** Stops what this backend started and closes what it opened. */
  close(): Promise<void>;
}

/** A demo's featurizers and reducers. */
interface DemoServices {
  /** Rejects when they can't be kept running. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
  /** The largest resident sets, by process; complete once they have stopped. */
  rssPeakBytes(): Readonly<Record<string, number>>;
}

/** What a backend is told of the demo it serves. */
export interface DemoPlace {
  readonly options: DemoOptions;
  /** The demo's own folder. */
  readonly folder: string;
  readonly logFolder: string;
  /** Takes a line for the person who watches. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}
