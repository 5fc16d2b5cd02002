import { beforeAll, describe, expect, it } from "vitest";
import { findSubject } from "#analysis/vectors/find-subject.ts";
import { openTable } from "#lib/table/open-table.ts";
import type { NamedTable } from "#ops/table/open-named-table.ts";
import { photoRow } from "../../lib/table/photo-rows.ts";
import { emptyStore, LOCATION } from "../../lib/table/table-fixtures.ts";
import { appendRows } from "./fruit-table.ts";

let named: NamedTable;
beforeAll(async () => {
  const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
  const subjects = [
    ["mobilenet-0a1b", "live"],
    ["mobilenet-0a1b", "again"],
    ["resnet-18-1111", "live"],
    ["resnet-18-2222", "live"],
  ];
  await appendRows(
    table,
    subjects.map(([model, run]) => photoRow({ model: model!, run: run! })),
  );
  named = { place: "s3://tables/photos", table };
});

describe("a model and run are found", () => {
  it.each([
    { model: "mobilenet-0a1b", run: "live", found: "mobilenet-0a1b" },
    { model: "mobilenet", run: "again", found: "mobilenet-0a1b" },
    { model: "resnet-18-2222", run: "live", found: "resnet-18-2222" },
  ])("by $model and $run", ({ model, run, found }) => {
    expect(findSubject(named, model, run)).toEqual({ model: found, run });
  });

  it.each([
    { model: "mobilnet", run: "live", message: /has no rows of a model "mobilnet"; it has some of mobilenet-0a1b/ },
    {
      model: "resnet-18",
      run: "live",
      message: /several models "resnet-18"; name one: resnet-18-1111, resnet-18-2222/,
    },
    { model: undefined, run: "live", message: /has several models; name one: mobilenet-0a1b, resnet-18-1111/ },
    { model: "mobilenet", run: "agian", message: /no rows of a run "agian"; choose with --run: again, live/ },
  ])("or not: $message", ({ model, run, message }) => {
    expect(() => findSubject(named, model, run)).toThrow(message);
  });

  it("without a model's name where the table has but one", async () => {
    const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
    await appendRows(table, [photoRow({ model: "mobilenet-0a1b", run: "live" })]);
    expect(findSubject({ ...named, table }, undefined, "live")).toEqual({ model: "mobilenet-0a1b", run: "live" });
  });

  it("but not in an empty table", async () => {
    const table = await openTable(emptyStore(), LOCATION, { createIfAbsent: true });
    expect(() => findSubject({ ...named, table }, "mobilenet", "live")).toThrow(/s3:\/\/tables\/photos is empty/);
  });
});
