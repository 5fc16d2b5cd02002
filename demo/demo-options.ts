import type { OpsDeps } from "#ops/pipeline/ops-deps.ts";

export interface DemoOptions {
  /** A folder of photos, or how many synthetic ones to draw. */
  readonly photos: string | { readonly syntheticCount: number };
  readonly model: string;
  readonly featurizers: number;
  readonly reducers: number;
  readonly partitions: number;
  /** k, the number of principal components. */
  readonly components: number;
  /** Takes a folder of its own for each demo, with the services' logs and the copy of the table. */
  readonly outputFolder: string;
  /** Everything in this process, whatever servers there are. */
  readonly embedded?: boolean;
  /** Where the copy of the table goes instead. */
  readonly exportFolder: string | undefined;
}

/** What a demo is given by whoever starts it. */
export interface DemoDeps extends OpsDeps {
  /** Takes how far the demo has come, as a line that is made only when it is shown. */
  readonly onProgress: (line: () => string) => void;
  /** Ends the demo in order. */
  readonly signal: AbortSignal;
}

/** What the parts of a demo are told of it. */
export interface DemoPlace extends DemoDeps {
  readonly options: DemoOptions;
  /** Names topics, photos and the table of this demo. */
  readonly id: string;
  /** The demo's own folder. */
  readonly folder: string;
  readonly logFolder: string;
}
