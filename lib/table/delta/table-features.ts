import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { AddFile, Metadata, Protocol } from "./actions.ts";
import { isAbsolute } from "./delta-log.ts";
import { isPropertyOn, propertyOf } from "./table-properties.ts";

/** What of a table says whether it can be read and written. */
export interface TableState {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
}

/** The protocol of a table that is created here: every tool reads and writes it. */
export const PROTOCOL = { minReaderVersion: 1, minWriterVersion: 2 } as const satisfies Protocol;

/**
 * Makes sure that the files are all that the table's rows are in, whatever features it has: a feature that no file and no
 * column makes use of takes nothing away.
 *
 * @param files the active ones, or those that a commit adds to a table that was readable before.
 * @throws invalid-table with the feature's name and the statement that undoes it.
 */
export function requireReadable(table: TableState, files: Iterable<AddFile>, tableUri: string): void {
  requireWellFormed(table.protocol, tableUri);
  refuseFirst(table, readerFeatures(table.protocol), READERS, "read", tableUri);
  for (const { path, deletionVector } of files) {
    if (deletionVector) {
      const reason = `rows of "${path}" are deleted by a deletion vector`;
      throw refusal(tableUri, "read", "deletionVectors", {
        reason,
        undo: `REORG TABLE ${named(tableUri)} APPLY (PURGE), then ${dropFeature(tableUri, "deletionVectors", true)}`,
      });
    }
    if (isAbsolute(path)) {
      const problem = `${tableUri} can't be read: its file "${path}" lies outside of the table, as in a shallow clone`;
      throw new FruitstreamError("invalid-table", `${problem}; copy the rows into a table of their own`);
    }
  }
}

/**
 * Makes sure that commits that add, rewrite and remove files as we do are what the table's features ask of a writer.
 *
 * @throws invalid-table with the feature's name and the statement that undoes it.
 */
export function requireWritable(table: TableState, tableUri: string): void {
  requireWellFormed(table.protocol, tableUri);
  refuseFirst(table, writerFeatures(table.protocol), WRITERS, "written to", tableUri);
  requireLastingTxns(table, tableUri);
}

/** Offsets and marks are `txn` actions: where they expire, rows are read once more from the topic. */
function requireLastingTxns({ metadata }: TableState, tableUri: string): void {
  const duration = propertyOf(metadata.configuration, TXN_RETENTION);
  if (duration === undefined) return;
  const problem = `${tableUri} can't be written to: ${TXN_RETENTION} (${duration}) expires the offsets that its rows were read at`;
  const statement = `ALTER TABLE ${named(tableUri)} UNSET TBLPROPERTIES ('${TXN_RETENTION}')`;
  throw new FruitstreamError("invalid-table", `${problem}, and rows would be doubled; undo it by ${statement}`);
}

const TXN_RETENTION = "delta.setTransactionRetentionDuration";

/**
 * Makes sure that rows of the table may be deleted or changed. Rewriting them as they are is always allowed.
 *
 * @throws invalid-table when the table is append-only.
 */
export function requireDeletable({ metadata }: Pick<TableState, "metadata">, tableUri: string): void {
  if (!isPropertyOn(metadata.configuration, "delta.appendOnly")) return;
  const statement = setProperty(tableUri, "delta.appendOnly", "false");
  const problem = `${tableUri} is append-only (delta.appendOnly): no row of it may be deleted or changed`;
  throw new FruitstreamError("invalid-table", `${problem}; allow it by ${statement}`);
}

/** Why a feature stands in the way, and what undoes it. */
interface Problem {
  readonly reason: string;
  readonly undo: string;
}

/** A feature's rule: undefined where the table makes no use of it that concerns us. */
type Rule = (table: TableState, tableUri: string) => Problem | undefined;

const harmless: Rule = () => undefined;

const columnMapping: Rule = ({ metadata }, tableUri) => {
  const mode = propertyOf(metadata.configuration, "delta.columnMapping.mode") ?? "none";
  if (mode.toLowerCase() === "none") return undefined;
  return {
    reason: `its columns are mapped by ${mode} (delta.columnMapping.mode)`,
    undo: `${setProperty(tableUri, "delta.columnMapping.mode", "none")}, then ${dropFeature(tableUri, "columnMapping", true)}`,
  };
};

/** Of what a reader has to know. Vectors are looked for in the files themselves. */
const READERS: Readonly<Record<string, Rule>> = {
  columnMapping,
  deletionVectors: harmless,
  // Columns of these types are none of ours; nothing of the log depends on them.
  timestampNtz: harmless,
  typeWidening: harmless,
  "typeWidening-preview": harmless,
  v2Checkpoint: harmless,
  // Speaks to vacuum, which asks whether the table can be written to before it deletes.
  vacuumProtocolCheck: harmless,
};

const WRITERS: Readonly<Record<string, Rule>> = {
  ...READERS,
  // Asked for by requireDeletable: appending and rewriting are allowed.
  appendOnly: harmless,
  // Speaks to log clean-up, by TableProperties.protectedBelowVersion.
  checkpointProtection: harmless,
  // Kept from commits into checkpoints; nothing here writes any.
  domainMetadata: harmless,
  invariants: whereColumnHas("delta.invariants", "an invariant that nobody here checks"),
  generatedColumns: whereColumnHas("delta.generationExpression", "a generated value"),
  identityColumns: whereColumnHas("delta.identity.start", "a value that counts up"),
  allowColumnDefaults: whereColumnHas("CURRENT_DEFAULT", "a default value"),
  checkConstraints({ metadata }, tableUri) {
    const prefix = "delta.constraints.";
    const found = Object.keys(metadata.configuration ?? {}).find((key) => key.toLowerCase().startsWith(prefix));
    if (found === undefined) return undefined;
    const constraint = found.slice(prefix.length);
    return {
      reason: `nobody here checks its constraint "${constraint}"`,
      undo: `ALTER TABLE ${named(tableUri)} DROP CONSTRAINT ${constraint}`,
    };
  },
  changeDataFeed: whereOn("delta.enableChangeDataFeed"),
  deletionVectors: whereOn("delta.enableDeletionVectors"),
  icebergCompatV1: whereOn("delta.enableIcebergCompatV1"),
  icebergCompatV2: whereOn("delta.enableIcebergCompatV2"),
  inCommitTimestamp: whereOn("delta.enableInCommitTimestamps"),
  v2Checkpoint({ metadata }, tableUri) {
    const policy = propertyOf(metadata.configuration, "delta.checkpointPolicy") ?? "classic";
    if (policy.toLowerCase() === "classic") return undefined;
    return {
      reason: `its checkpoints must be of version 2 (delta.checkpointPolicy = ${policy})`,
      undo: setProperty(tableUri, "delta.checkpointPolicy", "classic"),
    };
  },
};

/** What the versions before table features stand for. */
const LEGACY_READER_FEATURES: Readonly<Record<number, readonly string[]>> = { 2: ["columnMapping"] };
const LEGACY_WRITER_FEATURES: Readonly<Record<number, readonly string[]>> = {
  2: ["appendOnly", "invariants"],
  3: ["checkConstraints"],
  4: ["changeDataFeed", "generatedColumns"],
  5: ["columnMapping"],
  6: ["identityColumns"],
};
const READER_VERSION_MAX = 3;
const WRITER_VERSION_MAX = 7;

function readerFeatures({ minReaderVersion, readerFeatures }: Protocol): readonly string[] {
  return readerFeatures ?? featuresUpTo(minReaderVersion, LEGACY_READER_FEATURES);
}

function writerFeatures({ minWriterVersion, writerFeatures }: Protocol): readonly string[] {
  return writerFeatures ?? featuresUpTo(minWriterVersion, LEGACY_WRITER_FEATURES);
}

function featuresUpTo(version: number, byVersion: Readonly<Record<number, readonly string[]>>): string[] {
  return Object.entries(byVersion).flatMap(([since, features]) => (Number(since) <= version ? features : []));
}

function requireWellFormed(protocol: Protocol, tableUri: string): void {
  const { minReaderVersion, minWriterVersion, readerFeatures, writerFeatures } = protocol;
  const refuse = (problem: string) => new FruitstreamError("invalid-table", `${tableUri} ${problem}`);
  if (minReaderVersion > READER_VERSION_MAX || minWriterVersion > WRITER_VERSION_MAX) {
    const known = `this one knows versions up to ${READER_VERSION_MAX} and ${WRITER_VERSION_MAX}`;
    throw refuse(`needs a Delta reader of version ${minReaderVersion} and a writer of ${minWriterVersion}; ${known}`);
  }
  const needsReaderFeatures = minReaderVersion === READER_VERSION_MAX;
  const needsWriterFeatures = minWriterVersion === WRITER_VERSION_MAX;
  if (needsReaderFeatures !== (readerFeatures != null) || needsWriterFeatures !== (writerFeatures != null)) {
    const versions = `reader version ${minReaderVersion}, writer version ${minWriterVersion}`;
    throw refuse(
      `has no valid protocol: features are named from reader version 3 and writer version 7 on, got ${versions}`,
    );
  }
}

function refuseFirst(
  table: TableState,
  features: readonly string[],
  rules: Readonly<Record<string, Rule>>,
  act: "read" | "written to",
  tableUri: string,
): void {
  for (const feature of features) {
    const rule = Object.hasOwn(rules, feature) ? rules[feature]! : unknownFeature(feature);
    const problem = rule(table, tableUri);
    if (problem !== undefined) throw refusal(tableUri, act, feature, problem);
  }
}

function refusal(tableUri: string, act: string, feature: string, { reason, undo }: Problem): FruitstreamError {
  return new FruitstreamError(
    "invalid-table",
    `${tableUri} can't be ${act} because of the table feature ${feature}: ${reason}; undo it by ${undo}`,
  );
}

function unknownFeature(feature: string): Rule {
  return ({ protocol }, tableUri) => ({
    reason: "it is not supported here",
    undo: dropFeature(tableUri, feature, protocol.readerFeatures?.includes(feature) ?? false),
  });
}

function whereOn(property: string): Rule {
  return ({ metadata }, tableUri) =>
    isPropertyOn(metadata.configuration, property)
      ? { reason: `it is on (${property})`, undo: setProperty(tableUri, property, "false") }
      : undefined;
}

function whereColumnHas(key: string, what: string): Rule {
  return ({ metadata }, tableUri) => {
    const column = columnWith(parseSchema(metadata.schemaString), key, "");
    if (column === undefined) return undefined;
    const reason = `column "${column}" has ${what} (${key})`;
    return { reason, undo: `ALTER TABLE ${named(tableUri)} DROP COLUMN ${column}` };
  };
}

/** The path of the first column, nested ones included, whose metadata has the key. */
function columnWith(type: unknown, key: string, path: string): string | undefined {
  if (type === null || typeof type !== "object") return undefined;
  const { fields, elementType, keyType, valueType } = type as Record<string, unknown>;
  if (!Array.isArray(fields)) {
    const parts = Object.entries({ element: elementType, key: keyType, value: valueType });
    return firstOf(parts.map(([name, part]) => columnWith(part, key, `${path}.${name}`)));
  }
  return firstOf(
    fields.map(({ name, type: fieldType, metadata }) => {
      const fieldPath = path === "" ? String(name) : `${path}.${name}`;
      return metadata?.[key] == null ? columnWith(fieldType, key, fieldPath) : fieldPath;
    }),
  );
}

function firstOf(found: readonly (string | undefined)[]): string | undefined {
  return found.find((path) => path !== undefined);
}

/** What is no schema is refused where its columns are compared with ours. */
function parseSchema(schemaString: string): unknown {
  try {
    return JSON.parse(schemaString);
  } catch {
    return undefined;
  }
}

/** As Spark SQL names a table by its place. */
function named(tableUri: string): string {
  return `delta.\`${tableUri}\``;
}

function dropFeature(tableUri: string, feature: string, isReaderFeature: boolean): string {
  return `ALTER TABLE ${named(tableUri)} DROP FEATURE ${feature}${isReaderFeature ? " TRUNCATE HISTORY" : ""}`;
}

function setProperty(tableUri: string, property: string, value: string): string {
  return `ALTER TABLE ${named(tableUri)} SET TBLPROPERTIES ('${property}' = '${value}')`;
}
