/**
 * Does the work for each item, in the order of the items, with at most `pendingMax` under way; the next item is asked
 * for only when there is room, so memory stays constant however many there are.
 *
 * @returns when all is done. @throws the first failure of work or source, or the signal's reason, once everything that
 * was under way has come to its end; no further items are asked for.
 */
export async function forEachBounded<Item>(
  items: AsyncIterable<Item>,
  pendingMax: number,
  signal: AbortSignal,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const pending = new Set<Promise<void>>();
  // Waking the one who waits costs the same however many are pending; a race would hang itself on each of them.
  let onRoom = () => {};
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const item of items) {
      signal.throwIfAborted();
      if (failure) break;
      const done: Promise<void> = work(item)
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          pending.delete(done);
          onRoom();
        });
      pending.add(done);
      if (pending.size >= pendingMax) await new Promise<void>((resolve) => (onRoom = resolve));
    }
  } catch (error) {
    failure ??= { error };
  }
  await Promise.all(pending);
  if (failure) throw failure.error;
}
