import type { Clock } from "#lib/runtime/clock.ts";

/** A file somewhere else, known to the byte. */
export interface RemoteFile {
  readonly url: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface DownloadHooks {
  readonly clock: Clock;
  /** Without a byte for so long, an attempt is given up. */
  readonly stallMsMax: number;
  readonly onProgress: (receivedBytes: number) => void;
  readonly signal: AbortSignal;
}
