/** What a service tells the process that started it, over the channel between them; its log is for people. */
export type ServiceMessage =
  /** Its HTTP server listens. */
  | { readonly kind: "listening"; readonly url: string }
  /** `/readyz` says so for the first time. */
  | { readonly kind: "ready" }
  | ({ readonly kind: "committed" } & TableCommit)
  | ({ readonly kind: "reduced" } & ReducedCounts)
  /** It can't go on, for this reason. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /** The last one: the largest resident set that the process had. */
  | { readonly kind: "ended"; readonly rssPeakBytes: number };

/** A window that a reducer has made a commit of the table. */
export interface TableCommit {
  readonly version: number;
  readonly rows: number;
  /** When the commit was acknowledged, ms since the epoch. */
  readonly atMs: number;
  /** From closing the window to the acknowledgement. */
  readonly tookMs: number;
}

/** What became of the records that a reducer has committed when it ends by itself, at the end it was given. */
interface ReducedCounts {
  readonly records: number;
  readonly rows: number;
  /** Dropped, since the table has their photo versions by other announcements. */
  readonly known: number;
  /** In the table before, and therefore dropped. */
  readonly repeats: number;
  /** Dropped, since their photos are forgotten. */
  readonly forgotten: number;
  /** Flush markers. */
  readonly markers: number;
}

/** What a service may be asked by the process that started it. */
export type ServiceRequest = { readonly kind: "stop" };

/** Takes a service's messages. */
export type TellStarter = (message: ServiceMessage) => void;

/**
 * Tells the process that started this one, if it listens.
 *
 * @returns resolves once the message is on its way, or nobody is there to get it; never rejects.
 */
export function tellStarter(message: ServiceMessage): Promise<void> {
  if (!process.send || !process.connected) return Promise.resolve();
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}

/** Calls back, perhaps more than once, when the process that started this one asks for a stop, or is gone. */
export function onStarterStop(stop: (reason: string) => void): void {
  if (!process.send) return;
  process.on("message", ({ kind }: ServiceRequest) => {
    if (kind === "stop") stop("asked to");
  });
  process.on("disconnect", () => stop("whoever started this service is gone"));
}
