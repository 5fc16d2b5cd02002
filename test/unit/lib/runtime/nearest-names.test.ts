import { expect, it } from "vitest";
import { nearestNames } from "#lib/runtime/nearest-names.ts";

const FRUITS = ["Apple Red 1", "Apple Red 2", "Banana", "Pear", "Peach"];

it.each([
  { wanted: "Bananna", nearest: "Banana" },
  { wanted: "banana", nearest: "Banana" },
  { wanted: "Paer", nearest: "Pear" },
  { wanted: "Apple Red", nearest: "Apple Red 1" },
])("the nearest name to $wanted is $nearest", ({ wanted, nearest }) => {
  expect(nearestNames(wanted, FRUITS)[0]).toBe(nearest);
});

it("as many names are given as are wanted, as far as there are some", () => {
  expect(nearestNames("Pea", FRUITS, 2)).toEqual(["Pear", "Peach"]);
  expect(nearestNames("Pea", ["Plum"])).toEqual(["Plum"]);
});
