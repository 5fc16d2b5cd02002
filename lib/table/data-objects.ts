import { type TableAccess, tableObject } from "./table-location.ts";

/** Every object of the table's folder that may be a data file: names that begin with an underscore or a dot are none. */
export async function* listDataObjects({ store, location }: TableAccess) {
  const root = tableObject(location, "");
  for await (const { key, sizeBytes, modifiedAtMs } of store.list(root.bucket, root.key)) {
    const path = key.slice(root.key.length);
    if (!/(^|\/)[_.]/.test(path)) yield { path, sizeBytes, modifiedAtMs };
  }
}
