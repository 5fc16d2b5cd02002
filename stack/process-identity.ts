import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process for good: a pid alone may have gone to another program since it was written down. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque; equal for the same process only. */
  readonly startedAt: string;
}

/** Who has this pid now, or undefined when nobody has. A process that ended and was not reaped yet is nobody. */
export async function identifyProcess(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<ProcessIdentity | undefined> {
  const startedAt = platform === "linux" ? await startFromProc(pid) : await startFromPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether this very process is still running. */
export async function isRunning({ pid, startedAt }: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(pid))?.startedAt === startedAt;
}

/** Clock ticks from boot to the process's start, with the boot's id, since ticks begin anew at each boot (proc(5)). */
async function startFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command's name, in parentheses, may hold spaces and parentheses; the fields after it begin with the third.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return undefined;
  const bootId = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  return `${bootId} ${fields[18]}`;
}

const execFileAsync = promisify(execFile);

/** For systems without /proc, such as macOS. To the second, which a pid's reuse never is within. */
async function startFromPs(pid: number): Promise<string | undefined> {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const result = await execFileAsync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env }).catch(() => undefined);
  const [, state, startedAt] = /^(\S+)\s+(.+)$/.exec(result?.stdout.trim() ?? "") ?? [];
  return state?.startsWith("Z") ? undefined : startedAt;
}
