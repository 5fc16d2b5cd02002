import type { Random } from "#lib/runtime/random.ts";

/** Puts the first `count` items, all by default, into a random order, in place (Fisher–Yates), and returns the items. */
export function shuffle<Items extends ArrayLike<unknown>>(items: Items, random: Random, count = items.length): Items {
  const list = items as { [index: number]: unknown };
  for (let last = count - 1; last > 0; last--) {
    const other = random.between(0, last);
    [list[last], list[other]] = [list[other], list[last]];
  }
  return items;
}
