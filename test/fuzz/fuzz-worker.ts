import { openSync, writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { CaseTally } from "./case-result.ts";
import { openDecoder, photoOfCase, tryPhoto } from "./photo-case.ts";
import { openCorpus } from "./photo-corpus.ts";
import { recordOfCase, tryRecord } from "./record-case.ts";

/**
 * Tries cases one after the other until its time is over, and tells its parent how far it is. The number of the case that
 * is being tried is written to a file first, for when this process does not live to tell it.
 */
const { values } = parseArgs({
  options: {
    kind: { type: "string" },
    first: { type: "string" },
    count: { type: "string" },
    "end-ms": { type: "string" },
    current: { type: "string" },
    real: { type: "boolean", default: false },
  },
});
const TELL_MS = 1_000;

const isPhotos = values.kind === "photos";
const current = openSync(values.current!, "w");
process.on("disconnect", () => process.exit());
const delay = monitorEventLoopDelay({ resolution: 10 });
const tally = new CaseTally();
let toldMs = 0;

await run();

async function run(): Promise<void> {
  const tryCase = isPhotos ? await photoTrier() : recordTrier();
  const [first, count, endMs] = [Number(values.first), Number(values.count), Number(values["end-ms"])];
  delay.enable();
  for (let number = first; number < first + count && Date.now() < endMs; number++) {
    writeSync(current, String(number).padEnd(16), 0);
    await tryCase(number);
    if (!isPhotos) await new Promise(setImmediate);
    if (Date.now() - toldMs > TELL_MS) tell(number + 1, false);
  }
  tell(first + count, true);
  process.disconnect();
}

async function photoTrier() {
  const corpus = await openCorpus(values.real);
  const decoder = openDecoder();
  return async (number: number) => {
    const { name, bytes } = photoOfCase(corpus, number);
    tally.note(number, name, await tryPhoto(decoder, bytes));
  };
}

function recordTrier() {
  return async (number: number) => {
    const recordCase = recordOfCase(number);
    tally.note(number, recordCase.name, tryRecord(recordCase));
  };
}

function tell(next: number, isDone: boolean): void {
  toldMs = Date.now();
  process.send!({ next, isDone, tally, loopDelayMsMax: Math.round(delay.max / 1e6) });
}
