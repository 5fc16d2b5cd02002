import { ForgottenPhotos } from "#lib/messages/forgotten-photos.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { formatTableUri } from "#lib/table/table-location.ts";
import { findTraces, type Trace } from "./find-traces.ts";
import { bucketsOf } from "./forget-objects.ts";
import type { ForgetDeps } from "./forget-photos.ts";
import { type ForgetRequest, receiptIdOf, requireForgetRequest, rulesOf } from "./forget-request.ts";
import { type Receipt, readReceipt } from "./receipt.ts";

/**
 * Searches for what is left of a receipt's photos. Reads only.
 *
 * @param onTrace told of each place as it is found.
 * @throws usage when there is no such receipt.
 */
export async function proveForgotten(id: string, deps: ForgetDeps, onTrace: (trace: Trace) => void): Promise<Receipt> {
  const receipt = await readReceipt(deps.table, id);
  if (receipt === undefined) {
    const problem = `there is no receipt "${id}" beside ${formatTableUri(deps.table.location)}`;
    throw new FruitstreamError("usage", `${problem}; forget prints it, and lists them in _fruitstream/forgotten/`);
  }
  await search(receipt, deps, onTrace);
  return receipt;
}

/** What there is of a request's photos before anything is done: what a dry run tells. Changes nothing. */
export async function findPhotos(
  request: ForgetRequest,
  deps: ForgetDeps,
  onTrace: (trace: Trace) => void,
): Promise<void> {
  requireForgetRequest(request);
  const rules = rulesOf(request);
  const nothing = { objects: 0, rows: 0, letters: 0, files: [], tableVersion: null, goneBy: {}, doneAt: null };
  const begunAt = new Date(deps.table.clock.nowMs()).toISOString();
  const receipt: Receipt = {
    ...{ format: "fruitstream-receipt", formatVersion: 1, id: receiptIdOf(rules), state: "begun", begunAt, rules },
    ...nothing,
    buckets: bucketsOf(request),
  };
  await search(receipt, deps, onTrace);
}

async function search(receipt: Receipt, deps: ForgetDeps, onTrace: (trace: Trace) => void): Promise<void> {
  const { table, photoStore, logs, note } = deps;
  const onUnreadable = (path: string, problem: string) => note(`could not look into ${path}: ${problem}`);
  const traces = findTraces(receipt, new ForgottenPhotos(receipt.rules), { table, photoStore, logs, onUnreadable });
  for await (const trace of traces) onTrace(trace);
}
