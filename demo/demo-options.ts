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
