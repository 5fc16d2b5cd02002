import { setTimeout as sleepMs } from "node:timers/promises";
import { LOOPBACK } from "#stack/local-port.ts";
import type { SamplePhoto } from "./sample-photos.ts";
import type { ServiceUnderFault } from "./service-under-fault.ts";

const ANSWER_MS_MAX = 10_000;
const PAUSE_MS = 100;
const TIMES_MAX = 1_000;

/** A photo that was sent until it was answered with 201. */
export interface Upload {
  readonly key: string;
  /** How often it was sent. */
  readonly times: number;
}

/** Uploads a photo as a phone does: whatever is not answered with 201 is sent again, a thousand times at most. */
export async function uploadUntilTaken(
  ingest: ServiceUnderFault,
  label: string,
  name: string,
  { bytes }: SamplePhoto,
): Promise<Upload> {
  for (let times = 1; times <= TIMES_MAX; times++) {
    const url = `http://${LOOPBACK}:${ingest.port}/v1/photos/${label}/${name}`;
    const request = { method: "PUT", body: bytes, signal: AbortSignal.timeout(ANSWER_MS_MAX) };
    const status = await fetch(url, request).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => undefined,
    );
    if (status === 201) return { key: `photos/${label}/${name}`, times };
    await sleepMs(PAUSE_MS);
  }
  throw new Error(`${label}/${name} was sent ${TIMES_MAX} times and never taken`);
}
