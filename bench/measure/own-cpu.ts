/** CPU time of this process, in ms: the microseconds of getrusage, not the ticks that other processes are read in. */
export async function cpuMsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
