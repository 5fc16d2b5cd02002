import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";

const record = z.object({
  tableUri: z.string(),
  services: z.array(z.object({ name: z.string(), url: z.string() })),
});

/** The services that `up` runs beside the local stack: where each answers, and the table that they fill. */
export type RunningServices = z.infer<typeof record>;

/** What `up` has noted in a state folder; undefined while none runs there, or after one that was killed was cleaned. */
export async function readRunningServices(stateDir: string): Promise<RunningServices | undefined> {
  const text = await readFile(placeIn(stateDir), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return record.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Readers see the record before or the one after, never half of one. */
export async function writeRunningServices(stateDir: string, running: RunningServices): Promise<void> {
  const place = placeIn(stateDir);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(`${place}.new`, JSON.stringify(running));
  await rename(`${place}.new`, place);
}

export async function removeRunningServices(stateDir: string): Promise<void> {
  await rm(placeIn(stateDir), { force: true });
}

function placeIn(stateDir: string): string {
  return join(stateDir, "services.json");
}
