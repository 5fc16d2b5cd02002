import { randomUUID } from "node:crypto";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { COMMIT_BYTES_MAX, commitPath, readLogFile } from "./delta/delta-log.ts";
import { formatTableUri, SIDE_FOLDER, type TableAccess, tableObject } from "./table-location.ts";

/**
 * A store that takes no notice of `If-None-Match` lets two writers commit the same version, and rows are lost without a
 * word. The newest commit is put once more, with its own bytes: where they are written over, nothing is changed.
 *
 * @throws invalid-config when the store has written over it; store-unavailable when it can't be told for now.
 */
export async function requireConditionalPuts(access: TableAccess, version: number): Promise<void> {
  const path = commitPath(version);
  const bytes = await readLogFile(access, path, COMMIT_BYTES_MAX);
  if (bytes !== undefined && (await access.store.putIfAbsent(tableObject(access.location, path), bytes))) {
    throw refusal(access, "ignores If-None-Match");
  }
}

/**
 * A store that looks first and writes then passes any test of one put after the other, and loses rows as well. So several
 * put different bytes under a new name at once, some times over: one of them must win, and its bytes be there.
 *
 * @throws invalid-config when the store fails that; store-unavailable when it can't be told for now.
 */
export async function requireOneWinner(access: TableAccess): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await race(access);
}

/**
 * A store that checks first and writes then is wrong only while a body is on its way, so a large one is the better test.
 * Of 40 rounds at versitygw 1.7.0, on one machine, 6 caught it with bodies of 4 KiB, 29 with those of 1 MiB; busier ones
 * catch it in 4 rounds of 10.
 */
const ROUNDS = 8;
const RACERS = 8;
const RACER_BYTES = 2 ** 20;

async function race(access: TableAccess): Promise<void> {
  const { store, location } = access;
  const object = tableObject(location, `${SIDE_FOLDER}/probes/${randomUUID()}`);
  const bodies = Array.from({ length: RACERS }, (_, racer) => Buffer.alloc(RACER_BYTES).fill(racer, 0, 1));
  const puts = await Promise.allSettled(bodies.map((body) => store.putIfAbsent(object, body)));
  try {
    const failed = puts.find((put) => put.status === "rejected" && !isPassing(put.reason));
    if (failed) throw (failed as PromiseRejectedResult).reason;
    const winners = puts.flatMap((put, racer) => (put.status === "fulfilled" && put.value ? [racer] : []));
    if (winners.length > 1) throw refusal(access, `lets ${winners.length} of ${RACERS} writers win with If-None-Match`);
    // A put that failed, or that was sent twice, may have won without being told: then nobody else has.
    if (winners.length === 0) return;
    const { bytes } = await store.get(object, { bytesMax: RACER_BYTES });
    if (!bodies[winners[0]!]!.equals(bytes))
      throw refusal(access, "lets a writer win with If-None-Match and keeps another's bytes");
  } finally {
    await store.delete(object).catch((error) => {
      const fields = { event: "probe_not_removed", err: error, key: object.key };
      access.logger.debug(fields, "could not remove what was written to test the store");
    });
  }
}

/** Some stores limit the writes of one key. */
function isPassing(error: unknown): boolean {
  return error instanceof FruitstreamError && error.code === "store-unavailable";
}

function refusal({ location }: TableAccess, fault: string): FruitstreamError {
  const problem = `the S3 server of ${formatTableUri(location)} ${fault}, so commits would overwrite each other`;
  return new FruitstreamError("invalid-config", `${problem}; use one that supports conditional writes`);
}
