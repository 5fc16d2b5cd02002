/**
 * Every state that steps lead to from the first one, each once, the newest first.
 *
 * @param keyOf states of one key are one.
 */
export function* reachableStates<State>(
  first: State,
  nextStates: (state: State) => readonly State[],
  keyOf: (state: State) => string,
): Generator<State> {
  const seen = new Set([keyOf(first)]);
  const toVisit = [first];
  for (let state = toVisit.pop(); state !== undefined; state = toVisit.pop()) {
    yield state;
    for (const next of nextStates(state)) {
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      toVisit.push(next);
    }
  }
}
