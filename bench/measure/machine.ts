import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";

/** What figures depend on besides the code. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** The system's load of the last minute before anything was measured: 0 on a quiet machine. */
  readonly loadBefore: number;
  readonly measuredAt: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}${vectorUnits()}`,
    node: process.version,
    loadBefore: Number(loadavg()[0]!.toFixed(2)),
    measuredAt: new Date().toISOString(),
  };
}

/** The instruction sets that decide how fast ONNX Runtime computes. */
function vectorUnits(): string {
  const flags =
    readText("/proc/cpuinfo")
      .match(/^flags\s*:(.*)$/m)?.[1]
      ?.split(" ") ?? [];
  const known = ["avx2", "avx512f", "avx512_vnni", "amx_int8"].filter((flag) => flags.includes(flag));
  return known.length > 0 ? `, ${known.join(" ")}` : "";
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
