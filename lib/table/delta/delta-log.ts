import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatTableUri, type TableAccess, tableObject } from "../table-location.ts";
import {
  type Action,
  type AddFile,
  type CommitInfo,
  type Metadata,
  type Protocol,
  parseActions,
  type RemoveFile,
  type Transaction,
} from "./actions.ts";

/** One version's actions, by kind, in the order of the file. */
export interface Commit {
  readonly version: number;
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
  readonly txns: readonly Transaction[];
  readonly metadata: Metadata | undefined;
  readonly protocol: Protocol | undefined;
  readonly commitInfo: CommitInfo | undefined;
}

/** The log's folder, relative to the table's root. */
export const LOG_FOLDER = "_delta_log";

/** Groups actions into a commit; a checkpoint's count as one. */
export function commitOf(version: number, actions: readonly Action[]): Commit {
  return {
    version,
    adds: actions.flatMap(({ add }) => add ?? []),
    removes: actions.flatMap(({ remove }) => remove ?? []),
    txns: actions.flatMap(({ txn }) => txn ?? []),
    metadata: actions.find(({ metaData }) => metaData)?.metaData ?? undefined,
    protocol: actions.find(({ protocol }) => protocol)?.protocol ?? undefined,
    commitInfo: actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? undefined,
  };
}

/** The version's commit, or undefined when there is none (yet). */
export async function readCommit(access: TableAccess, version: number): Promise<Commit | undefined> {
  const path = commitPath(version);
  const bytes = await readLogFile(access, path, COMMIT_BYTES_MAX);
  if (bytes === undefined) return undefined;
  return commitOf(version, parseActions(Buffer.from(bytes).toString(), `${formatTableUri(access.location)}/${path}`));
}

/**
 * The commits after a version up to and including another, in ascending order; COMMITS_IN_FLIGHT_MAX are fetched at a
 * time, so memory stays bounded.
 *
 * @throws invalid-table when one of them is missing: log clean-up took it, or there is no such version.
 */
export async function* readCommits(
  access: TableAccess,
  afterVersion: number,
  toVersion: number,
): AsyncGenerator<Commit, void, undefined> {
  for (let first = afterVersion + 1; first <= toVersion; first += COMMITS_IN_FLIGHT_MAX) {
    const count = Math.min(COMMITS_IN_FLIGHT_MAX, toVersion - first + 1);
    const versions = Array.from({ length: count }, (_, index) => first + index);
    for (const commit of await Promise.all(versions.map((version) => requireCommit(access, version)))) yield commit;
  }
}

/** What the log's folder holds from a version on, each list ascending. Multi-part checkpoints are left out. */
export async function listLog(
  { store, location }: TableAccess,
  fromVersion: number,
): Promise<{ commits: number[]; checkpoints: number[] }> {
  const folder = tableObject(location, `${LOG_FOLDER}/`);
  const commits: number[] = [];
  const checkpoints: number[] = [];
  for await (const { key } of store.list(folder.bucket, folder.key, { startAfter: folder.key + digits(fromVersion) })) {
    const [, version, kind] = /^(\d{20})\.(json|checkpoint\.parquet)$/.exec(key.slice(folder.key.length)) ?? [];
    if (version !== undefined) (kind === "json" ? commits : checkpoints).push(Number(version));
  }
  return { commits, checkpoints };
}

/**
 * A file of the log, or undefined when it does not exist.
 *
 * @throws invalid-table when it has more than `bytesMax` bytes.
 */
export async function readLogFile(
  { store, location }: TableAccess,
  path: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  try {
    return (await store.get(tableObject(location, path), { bytesMax })).bytes;
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    if (error.code === "not-found") return undefined;
    if (error.code !== "too-large") throw error;
    const uri = formatTableUri(location);
    throw new FruitstreamError("invalid-table", `${uri}/${path} has more than ${bytesMax} bytes`, { cause: error });
  }
}

export function commitPath(version: number): string {
  return `${LOG_FOLDER}/${digits(version)}.json`;
}

export function checkpointPath(version: number): string {
  return `${LOG_FOLDER}/${digits(version)}.checkpoint.parquet`;
}

/** About 100,000 files of one commit, far above what one window or one compaction touches. */
export const COMMIT_BYTES_MAX = 128 * 2 ** 20;

const COMMITS_IN_FLIGHT_MAX = 16;

async function requireCommit(access: TableAccess, version: number): Promise<Commit> {
  const commit = await readCommit(access, version);
  if (commit !== undefined) return commit;
  const uri = formatTableUri(access.location);
  throw new FruitstreamError("invalid-table", `${uri} has no commit of version ${version}; its log is not complete`);
}

/** Twenty digits, so that names sort by version. */
function digits(version: number): string {
  return String(version).padStart(20, "0");
}
