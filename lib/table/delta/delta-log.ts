import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { StoredObject } from "#lib/store/object-store.ts";
import { formatTableUri, type TableAccess, type TableLocation, tableObject } from "../table-location.ts";
import {
  type Action,
  type AddFile,
  type CommitInfo,
  type DomainMetadata,
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
  readonly domains: readonly DomainMetadata[];
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
    domains: actions.flatMap(({ domainMetadata }) => domainMetadata ?? []),
    metadata: actions.find(({ metaData }) => metaData)?.metaData ?? undefined,
    protocol: actions.find(({ protocol }) => protocol)?.protocol ?? undefined,
    commitInfo: actions.find(({ commitInfo }) => commitInfo)?.commitInfo ?? undefined,
  };
}

/**
 * The version's commit, or undefined when there is none (yet).
 *
 * @throws invalid-table when it has more than COMMIT_BYTES_MAX bytes, or can't be read.
 */
export async function readCommit(access: TableAccess, version: number): Promise<Commit | undefined> {
  return (await readCommitFile(access, version))?.commit;
}

/** Like `readCommit`, with the etag of its file. */
export async function readCommitFile(
  access: TableAccess,
  version: number,
): Promise<{ commit: Commit; etag: string } | undefined> {
  const file = await readUpTo(access, commitPath(version), COMMIT_BYTES_MAX);
  if (file !== "too-large") return file && { commit: parseCommit(access, version, file.bytes), etag: file.etag };
  const uri = formatTableUri(access.location);
  const problem = `${uri}/${commitPath(version)} has more than ${COMMIT_BYTES_MAX} bytes, the most for a commit here`;
  const remedy = "have the tool that wrote it write a checkpoint of it, then start again: it is not read then";
  throw new FruitstreamError("invalid-table", `${problem}; ${remedy}`);
}

function parseCommit(access: TableAccess, version: number, bytes: Uint8Array): Commit {
  const origin = `${formatTableUri(access.location)}/${commitPath(version)}`;
  const actions = parseActions(bytes, origin).map((action) => withOwnPath(action, access));
  const doubtful = actions.find(({ remove }) => remove && isAbsolute(remove.path) && !S3_URI.test(remove.path));
  if (doubtful === undefined) return commitOf(version, actions);
  // It may be a file of this table under another name, and reading on would keep its rows.
  const problem = `${origin} removes "${doubtful.remove?.path}", and no path of the table can be compared with that`;
  throw new FruitstreamError("invalid-table", `${problem}; copy the table with a tool that reads it where it was made`);
}

/** An action on a file that lies in the table, with a path relative to its root, however the log names it. */
export function withOwnPath(action: Action, { location }: Pick<TableAccess, "location">): Action {
  const { add, remove } = action;
  if (add) return { ...action, add: { ...add, path: ownPath(add.path, location) } };
  if (remove) return { ...action, remove: { ...remove, path: ownPath(remove.path, location) } };
  return action;
}

/** A path with a scheme, or from the root on: one that need not lie in the table. */
export function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[a-z][a-z0-9+.-]*:\//i.test(path);
}

/**
 * The commits after a version up to and including another, in ascending order. COMMITS_IN_FLIGHT_MAX are fetched at a time,
 * but of those above SMALL_COMMIT_BYTES_MAX, which other tools write, one: so memory stays bounded.
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
    const small = await Promise.all(versions.map((version) => readSmallCommit(access, version)));
    for (const [index, commit] of small.entries()) {
      yield commit === "too-large" ? await requireCommit(access, versions[index]!) : commit;
    }
  }
}

async function readSmallCommit(access: TableAccess, version: number): Promise<Commit | "too-large"> {
  const file = await readUpTo(access, commitPath(version), SMALL_COMMIT_BYTES_MAX);
  if (file === "too-large") return file;
  if (file === undefined) throw missingCommit(access, version);
  return parseCommit(access, version, file.bytes);
}

/**
 * A file of the log, or undefined when it does not exist.
 *
 * @throws invalid-table when it has more than `bytesMax` bytes.
 */
export async function readLogFile(
  access: TableAccess,
  path: string,
  bytesMax: number,
): Promise<Uint8Array | undefined> {
  const file = await readUpTo(access, path, bytesMax);
  if (file !== "too-large") return file?.bytes;
  const uri = formatTableUri(access.location);
  throw new FruitstreamError("invalid-table", `${uri}/${path} has more than ${bytesMax} bytes`);
}

async function readUpTo(
  { store, location }: TableAccess,
  path: string,
  bytesMax: number,
): Promise<StoredObject | undefined | "too-large"> {
  try {
    return await store.get(tableObject(location, path), { bytesMax });
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    if (error.code === "not-found") return undefined;
    if (error.code !== "too-large") throw error;
    return error.code;
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

/** A window's commit has some kilobytes. */
const SMALL_COMMIT_BYTES_MAX = 2 ** 20;

const COMMITS_IN_FLIGHT_MAX = 16;

const S3_URI = /^s3[an]?:\/\//i;

function ownPath(path: string, location: TableLocation): string {
  if (!S3_URI.test(path)) return path;
  const root = `s3://${location.bucket}/${location.prefix}/`;
  const uri = path.replace(S3_URI, "s3://");
  return uri.startsWith(root) ? uri.slice(root.length) : path;
}

async function requireCommit(access: TableAccess, version: number): Promise<Commit> {
  const commit = await readCommit(access, version);
  if (commit !== undefined) return commit;
  throw missingCommit(access, version);
}

function missingCommit({ location }: TableAccess, version: number): FruitstreamError {
  const uri = formatTableUri(location);
  return new FruitstreamError("invalid-table", `${uri} has no commit of version ${version}; its log is not complete`);
}

/** Twenty digits, so that names sort by version. */
export function digits(version: number): string {
  return String(version).padStart(20, "0");
}
