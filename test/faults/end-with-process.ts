/** What must not outlive this process, should it end before its tests do. */
const endings = new Set<() => void>();

process.once("exit", () => {
  for (const end of endings) end();
});

/** Calls `end` when this process ends, until the function that is returned is called. */
export function endWithProcess(end: () => void): () => void {
  endings.add(end);
  return () => {
    endings.delete(end);
  };
}
