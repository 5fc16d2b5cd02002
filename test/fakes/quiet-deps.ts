/** What a command gives an operation, for one that nobody watches. */
export function quietDeps(signal = new AbortController().signal) {
  return { env: process.env, note: () => undefined, onProgress: () => undefined, signal };
}
