import { resolve } from "node:path";
import { Command } from "commander";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import type { DeltaTable } from "#lib/table/delta/delta-table.ts";
import { openTable } from "#lib/table/open-table.ts";
import { groupBySubject } from "#lib/table/pca-subject.ts";
import { exportTable } from "#lib/table/table-export.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { summarisePartitions } from "#lib/table/table-summary.ts";
import { findS3Access, openStackStore } from "#ops/pipeline/endpoints.ts";

/** `fruitstream table show|export`: looks at a table without any other tool. */
export function tableCommand(): Command {
  const table = new Command("table").description("look at the table of features");
  table
    .command("show")
    .description("version, rows by partition, offsets consumed and PCA bases")
    .argument("[uri]", "s3://bucket/prefix of the table; TABLE_URI by default")
    .action((uri?: string) => withTable(uri, show));
  table
    .command("export")
    .description("copy the newest version into a local folder, as a Delta table of its own")
    .argument("<folder>", "an empty or a new folder")
    .option("--table <uri>", "s3://bucket/prefix of the table; TABLE_URI by default")
    .action((folder: string, options: { table?: string }) =>
      withTable(options.table, async (opened) => {
        const { version, files, bytes } = await exportTable(opened, resolve(folder));
        console.log(`version ${version}: ${files} data files, ${bytes} bytes with the log, in ${resolve(folder)}`);
      }),
    );
  return table;
}

async function withTable(uri = process.env.TABLE_URI, work: (table: DeltaTable) => Promise<void>): Promise<void> {
  if (!uri) throw new FruitstreamError("usage", "which table? name it as s3://bucket/prefix, or set TABLE_URI");
  const store = openStackStore(await findS3Access());
  try {
    await work(await openTable(store, parseTableUri(uri)));
  } finally {
    store.close();
  }
}

async function show(table: DeltaTable): Promise<void> {
  const partitions = summarisePartitions(table.snapshot);
  const rows = partitions.reduce((sum, partition) => sum + partition.rows, 0);
  console.log(`version ${table.snapshot.version}, ${table.snapshot.files.size} files, ${rows} rows`);
  if (partitions.length > 0) console.table(partitions);

  const txns = [...table.snapshot.txnVersions].sort(([a], [b]) => (a < b ? -1 : 1));
  console.log("next offsets, and high-water marks of the source partitions:");
  for (const [appId, version] of txns) console.log(`  ${appId}  ${version}`);

  console.log("newest PCA bases:");
  for (const [subject] of groupBySubject(partitions)) {
    const basis = await new BasisStore(table, subject!).refresh();
    if (!basis) continue;
    const ratio = [...basis.explainedVarianceRatio].map((value) => value.toFixed(4)).join(" ");
    console.log(
      `  ${subject!.model} ${subject!.run}: version ${basis.version}, from ${basis.rowCount} rows, ratio ${ratio}`,
    );
  }
}
