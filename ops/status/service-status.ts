import { z } from "zod";

/** What a service says of itself. */
export interface ServiceStatus {
  readonly name: string;
  readonly url: string;
  readonly state: "ready" | "not ready" | "no answer";
  /** The parts of its health report that are not ok, as `kafka: waiting (…)`. */
  readonly troubles: readonly string[];
}

/** A service answers within milliseconds, or its event loop is stuck. */
const ANSWER_MS_MAX = 2_000;

const report = z.object({
  ready: z.boolean(),
  parts: z.record(z.string(), z.object({ state: z.string(), detail: z.string() })),
});

/** Asks each service's `/readyz`. */
export function askServices(services: readonly { name: string; url: string }[]): Promise<ServiceStatus[]> {
  return Promise.all(services.map(askService));
}

async function askService({ name, url }: { name: string; url: string }): Promise<ServiceStatus> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    const { ready, parts } = report.parse(await response.json());
    const troubles = Object.entries(parts)
      .filter(([, { state }]) => state !== "ok")
      .map(([part, { state, detail }]) => `${part}: ${state}${detail === "" ? "" : ` (${detail})`}`);
    return { name, url, state: ready ? "ready" : "not ready", troubles };
  } catch {
    return { name, url, state: "no answer", troubles: [] };
  }
}
