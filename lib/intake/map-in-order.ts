/**
 * Does the work for each item, `pendingMax` of them at the same time, and gives the results in the order of the items.
 * Memory stays constant however many items there are.
 *
 * @throws the first failure of work or source, in the items' order, when nothing that was begun is under way any more.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item>,
  pendingMax: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const pending: Promise<Result>[] = [];
  try {
    for await (const item of items) {
      const result = work(item);
      // It is awaited when its turn comes, which may be later than its failure.
      result.catch(() => undefined);
      pending.push(result);
      if (pending.length >= pendingMax) yield await pending.shift()!;
    }
    while (pending.length > 0) yield await pending.shift()!;
  } finally {
    await Promise.allSettled(pending);
  }
}
