import type { Environment } from "#lib/runtime/config.ts";

/** What an operation is given by whoever calls it: a command, a console, a test. */
export interface OpsDeps {
  /** Names the servers, the topics and the table to work on. */
  readonly env: Environment;
  /** Takes a line for the person who waits, such as what is waited for. */
  readonly note: (line: string) => void;
}
