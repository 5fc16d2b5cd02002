import { describe, expect, it } from "vitest";
import type { AddFile, Protocol } from "#lib/table/delta/actions.ts";
import { PROTOCOL, requireDeletable, requireReadable, requireWritable } from "#lib/table/delta/table-features.ts";
import { addOf } from "../table-fixtures.ts";

const URI = "s3://tables/photos";
const ON_TABLE = "ALTER TABLE delta.`s3://tables/photos`";

function tableOf(protocol: Protocol, configuration: Record<string, string> = {}, columns: object[] = []) {
  const schemaString = JSON.stringify({ type: "struct", fields: columns });
  return {
    protocol,
    metadata: { id: "t", format: { provider: "parquet" }, schemaString, partitionColumns: [], configuration },
  };
}
const writer7 = (...writerFeatures: string[]): Protocol => ({
  minReaderVersion: 1,
  minWriterVersion: 7,
  writerFeatures,
});
const reader3 = (...features: string[]): Protocol => ({
  minReaderVersion: 3,
  minWriterVersion: 7,
  readerFeatures: features,
  writerFeatures: features,
});
const columnOf = (metadata: object, type: unknown = "string") => ({ name: "note", type, nullable: true, metadata });
const read = (protocol: Protocol, configuration?: Record<string, string>, files: AddFile[] = []) =>
  requireReadable(tableOf(protocol, configuration), files, URI);
const write = (protocol: Protocol, configuration?: Record<string, string>, columns?: object[]) =>
  requireWritable(tableOf(protocol, configuration, columns), URI);

describe("the features of a table that is written to", () => {
  it.each<[name: string, protocol: Protocol]>([
    ["ours", PROTOCOL],
    ["version 3, without constraints", { minReaderVersion: 1, minWriterVersion: 3 }],
    ["version 4, without change data and generated columns", { minReaderVersion: 1, minWriterVersion: 4 }],
    ["version 5, without column mapping", { minReaderVersion: 2, minWriterVersion: 5 }],
    ["version 6, without identity columns", { minReaderVersion: 2, minWriterVersion: 6 }],
    ["no feature", writer7()],
    ["those of a new table of Spark", writer7("appendOnly", "invariants")],
    ["what is only supported", writer7("changeDataFeed", "checkConstraints", "inCommitTimestamp", "icebergCompatV2")],
    ["protected checkpoints", writer7("checkpointProtection", "domainMetadata", "allowColumnDefaults")],
    ["timestamps and wider types", reader3("timestampNtz", "typeWidening", "vacuumProtocolCheck", "v2Checkpoint")],
    ["vectors that nobody writes", reader3("deletionVectors", "columnMapping")],
  ])("may be %s", (_, protocol) => {
    expect(() => read(protocol)).not.toThrow();
    expect(() => write(protocol, { "delta.enableChangeDataFeed": "false" })).not.toThrow();
  });

  it.each<[feature: string, protocol: Protocol, configuration: Record<string, string>, undo: string]>([
    ["rowTracking", writer7("appendOnly", "rowTracking"), {}, `${ON_TABLE} DROP FEATURE rowTracking`],
    ["clustering", writer7("clustering"), {}, `${ON_TABLE} DROP FEATURE clustering`],
    ["catalogManaged", reader3("catalogManaged"), {}, `${ON_TABLE} DROP FEATURE catalogManaged TRUNCATE HISTORY`],
    ["constructor", writer7("constructor"), {}, `${ON_TABLE} DROP FEATURE constructor`],
    [
      "changeDataFeed",
      { minReaderVersion: 1, minWriterVersion: 4 },
      { "delta.enableChangeDataFeed": "true" },
      `${ON_TABLE} SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false')`,
    ],
    [
      "checkConstraints",
      { minReaderVersion: 1, minWriterVersion: 3 },
      { "delta.constraints.wide": "width > 0" },
      `${ON_TABLE} DROP CONSTRAINT wide`,
    ],
    [
      "deletionVectors",
      reader3("deletionVectors"),
      { "delta.enableDeletionVectors": "true" },
      `${ON_TABLE} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'false')`,
    ],
    [
      "inCommitTimestamp",
      writer7("inCommitTimestamp"),
      { "delta.enableInCommitTimestamps": "true" },
      `${ON_TABLE} SET TBLPROPERTIES ('delta.enableInCommitTimestamps' = 'false')`,
    ],
    [
      "v2Checkpoint",
      reader3("v2Checkpoint"),
      { "delta.checkpointPolicy": "v2" },
      `${ON_TABLE} SET TBLPROPERTIES ('delta.checkpointPolicy' = 'classic')`,
    ],
  ])("are refused with what undoes them: %s", (feature, protocol, configuration, undo) => {
    const message = expect.stringMatching(`^${URI} can't be written to because of the table feature ${feature}: `);
    expect(() => write(protocol, configuration)).toThrow(
      expect.objectContaining({ code: "invalid-table", message }) as Error,
    );
    expect(() => write(protocol, configuration)).toThrow(`undo it by ${undo}`);
  });

  it.each([
    ["invariants", PROTOCOL, "delta.invariants"],
    ["generatedColumns", { minReaderVersion: 1, minWriterVersion: 4 }, "delta.generationExpression"],
    ["identityColumns", { minReaderVersion: 2, minWriterVersion: 6 }, "delta.identity.start"],
    ["allowColumnDefaults", writer7("allowColumnDefaults"), "CURRENT_DEFAULT"],
  ])("are refused where a column makes use of them, however deep: %s", (feature, protocol, key) => {
    const deep = { type: "array", elementType: { type: "struct", fields: [columnOf({ [key]: "x" })] } };
    expect(() => write(protocol, {}, [columnOf({ [key]: "x" })])).toThrow(new RegExp(`${feature}: column "note"`));
    expect(() => write(protocol, {}, [columnOf({}, deep)])).toThrow(/column "note\.element\.note"/);
    expect(() => write(protocol, {}, [columnOf({ comment: "x" })])).not.toThrow();
  });
});

describe("the features of a table that is read", () => {
  it("are refused by name where nobody here knows them", () => {
    expect(() => read(reader3("variantType"))).toThrow(/feature variantType: .* DROP FEATURE variantType TRUNCATE/);
    expect(() => read(writer7("rowTracking"))).not.toThrow();
  });

  it("are refused where columns are mapped", () => {
    const mapped = { "delta.columnMapping.mode": "name" };
    expect(() => read({ minReaderVersion: 2, minWriterVersion: 5 }, mapped)).toThrow(/columnMapping.*mapped by name/);
    expect(() => read(reader3("columnMapping"), mapped)).toThrow(/DROP FEATURE columnMapping TRUNCATE HISTORY/);
  });

  it("are refused where a file has a deletion vector, and not before", () => {
    const vector = { storageType: "u", pathOrInlineDv: "ab" };
    const files = [addOf("a"), { ...addOf("b"), deletionVector: vector }];
    expect(() => read(reader3("deletionVectors"), {}, files.slice(0, 1))).not.toThrow();
    expect(() => read(reader3("deletionVectors"), {}, files)).toThrow(/"b".*DROP FEATURE deletionVectors TRUNCATE/);
  });

  it.each(["s3://other/t/a.parquet", "file:/t/a.parquet", "/t/a.parquet"])("have no file %s", (path) => {
    expect(() => read(PROTOCOL, {}, [addOf(path)])).toThrow(
      `"${path}" lies outside of the table, as in a shallow clone`,
    );
  });

  it.each<[protocol: Protocol, problem: RegExp]>([
    [{ minReaderVersion: 4, minWriterVersion: 7, writerFeatures: [] }, /needs a Delta reader of version 4/],
    [{ minReaderVersion: 1, minWriterVersion: 8 }, /a writer of 8; this one knows versions up to 3 and 7/],
    [{ minReaderVersion: 3, minWriterVersion: 7, writerFeatures: [] }, /no valid protocol/],
    [{ minReaderVersion: 1, minWriterVersion: 7 }, /no valid protocol/],
    [{ minReaderVersion: 1, minWriterVersion: 2, readerFeatures: [] }, /no valid protocol/],
  ])("are refused where the protocol is none: %j", (protocol, problem) => {
    expect(() => read(protocol)).toThrow(problem);
    expect(() => write(protocol)).toThrow(problem);
  });
});

it("rows of an append-only table may not be deleted", () => {
  const statement = `${ON_TABLE} SET TBLPROPERTIES ('delta.appendOnly' = 'false')`;
  expect(() => requireDeletable(tableOf(PROTOCOL, { "delta.appendOnly": "true" }), URI)).toThrow(statement);
  expect(() => requireDeletable(tableOf(PROTOCOL), URI)).not.toThrow();
});

it("refuses to write where offsets would expire, with the statement that undoes it", () => {
  const configuration = { "delta.setTransactionRetentionDuration": "interval 1 days" };
  const undo =
    "undo it by ALTER TABLE delta.`s3://tables/photos` UNSET TBLPROPERTIES ('delta.setTransactionRetentionDuration')";
  expect(() => write(PROTOCOL, configuration)).toThrow(undo);
  expect(() => read(PROTOCOL, configuration)).not.toThrow();
});
