import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { findS3Access, openStackStore } from "#ops/pipeline/endpoints.ts";
import { writeFruitTable } from "../unit/analysis/vectors/fruit-table.ts";

const CLI = fileURLToPath(new URL("../../cli/fruitstream.ts", import.meta.url));

test("a table on S3 is classified by the command line", async () => {
  const location = { bucket: "classified", prefix: randomUUID() };
  const store = openStackStore(await findS3Access({ env: process.env, note: console.warn }));
  await writeFruitTable(store, location, ["apple", "banana", "cherry"]);
  store.close();
  const uri = `s3://${location.bucket}/${location.prefix}`;

  const args = [CLI, "classify", "--table", uri, "--model", "clouds", "--one-vs-all", "banana"];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(stdout).toContain(`${uri} version 2, model clouds-0a1b2c3d, run live\n60 labelled rows of 3 labels`);
  expect(stdout).toContain("accuracy 100.00 %");
});
