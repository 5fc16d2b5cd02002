import { readdir, readFile } from "node:fs/promises";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/** What a process, or several of one kind, have used. */
export interface ProcessUse {
  /** User and system time since the start, of all threads. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** The largest resident set since the start. */
  readonly rssPeakBytes: number;
}

/** Processes by role; a role may have several. */
export type Pids = Readonly<Record<string, readonly number[]>>;

/**
 * What the processes of each role have used until now, summed over the role.
 *
 * @throws usage where there is no /proc: only Linux tells all of this of other processes.
 */
export async function readUse(pids: Pids): Promise<Record<string, ProcessUse>> {
  const roles = Object.entries(pids).map(async ([role, all]) => {
    const uses = await Promise.all(all.map(readProcessUse));
    const sum = (of: (use: ProcessUse) => number) => uses.reduce((total, use) => total + of(use), 0);
    return [
      role,
      {
        cpuSeconds: sum((u) => u.cpuSeconds),
        rssBytes: sum((u) => u.rssBytes),
        rssPeakBytes: sum((u) => u.rssPeakBytes),
      },
    ] as const;
  });
  return Object.fromEntries(await Promise.all(roles));
}

/** CPU seconds between two readings, by role. */
export function cpuBetween(
  before: Readonly<Record<string, ProcessUse>>,
  after: Readonly<Record<string, ProcessUse>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([role, { cpuSeconds }]) => [role, cpuSeconds - (before[role]?.cpuSeconds ?? 0)]),
  );
}

/** CPU seconds of a process by its threads' names, as `libuv-worker`; threads that have ended are not in it. */
export async function readThreadCpu(pid: number): Promise<Map<string, number>> {
  const seconds = new Map<string, number>();
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    // A thread may end between the listing and the look at it.
    const stat = await readFile(`${folder}/stat`, "utf8").catch(() => undefined);
    if (stat === undefined) continue;
    // The first thread is the process's: whatever it is called, it is the one with the event loop.
    const name = Number(thread) === pid ? "main" : parseThreadName(stat);
    seconds.set(name, (seconds.get(name) ?? 0) + parseCpuSeconds(stat));
  }
  return seconds;
}

/** User and system time in a `/proc/PID/stat` (proc(5), fields 14 and 15), in seconds. */
export function parseCpuSeconds(stat: string): number {
  // The command's name, in parentheses, may hold spaces and parentheses; the fields after it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** A line of `/proc/PID/status` that is given in kB, in bytes. */
export function parseStatusBytes(status: string, field: string): number {
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
}

/** USER_HZ, which Linux keeps at 100 for programs whatever the kernel's own tick is. */
const CLOCK_TICKS_PER_SECOND = 100;

async function readProcessUse(pid: number): Promise<ProcessUse> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, "utf8"),
      readFile(`/proc/${pid}/status`, "utf8"),
    ]);
    return {
      cpuSeconds: parseCpuSeconds(stat),
      rssBytes: parseStatusBytes(status, "VmRSS"),
      rssPeakBytes: parseStatusBytes(status, "VmHWM"),
    };
  } catch (cause) {
    const message = `can't read what process ${pid} uses from /proc; the bench needs Linux, and a process that lives`;
    throw new FruitstreamError("usage", message, { cause });
  }
}

function parseThreadName(stat: string): string {
  return stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
}
