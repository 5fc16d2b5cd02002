import { beforeEach, expect, test } from "vitest";
import type { Basis } from "#lib/pca/basis.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { silentLogger } from "#lib/runtime/logger.ts";
import { BasisStore } from "#lib/table/basis-store.ts";
import { subjectFolder } from "#lib/table/pca-subject.ts";
import { type TableAccess, tableObject } from "#lib/table/table-location.ts";
import { createMemoryObjectStore } from "../../../fakes/memory-object-store.ts";

const SUBJECT = { model: "tiny-1", run: "live" };
const location = { bucket: "tables", prefix: "photos" };

let access: TableAccess;
let mine: BasisStore;
let others: BasisStore;

beforeEach(() => {
  access = { store: createMemoryObjectStore(["tables"]), location, logger: silentLogger, clock: systemClock };
  mine = new BasisStore(access, SUBJECT);
  others = new BasisStore(access, SUBJECT);
});

test("a basis that others have published is found, and the newest counts", async () => {
  expect(await mine.refresh()).toBe(undefined);
  await others.publish(basis(1));
  await others.publish(basis(2));
  expect(await mine.refresh()).toEqual(basis(2));
  expect(await mine.refresh()).toEqual(basis(2));
});

test("of two that publish the same version the first one's is taken by both", async () => {
  await others.publish({ ...basis(1), rowCount: 3 });
  expect((await mine.publish(basis(1))).rowCount).toBe(3);
});

test("what a server lists of a basis that is still being written is passed over", async () => {
  await others.publish(basis(1));
  const unfinished = `${subjectFolder("bases", SUBJECT)}000002.json-2e4be6e9-2593-4312-88fa-24ed8931cc16`;
  await access.store.put(tableObject(location, unfinished), Buffer.from("{"));
  expect(await mine.refresh()).toEqual(basis(1));
});

function basis(version: number): Basis {
  return {
    version,
    dimensions: 2,
    componentCount: 1,
    components: Float64Array.of(1, 0),
    mean: Float64Array.of(0, 0),
    explainedVariance: Float64Array.of(1),
    explainedVarianceRatio: Float64Array.of(1),
    totalVariance: 1,
    rowCount: 2,
    residual: 0,
    converged: true,
  };
}
