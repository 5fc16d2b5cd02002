import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openDecoder, photoOfCase, tryPhoto } from "./photo-case.ts";
import { hasRealPhotos, openCorpus } from "./photo-corpus.ts";
import { recordOfCase, tryRecord } from "./record-case.ts";
import { type WorkerEnd, type WorkerSpan, watchWorker } from "./worker-watch.ts";

/**
 * `npm run fuzz -- --minutes N --seed S [--only photos|records]`: tries mutated photos and records for so long; exit code
 * 1 when something is wrong. `--case photos:N` or `records:N` tries one case alone and keeps its bytes in
 * `fuzz-findings/`.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    case: { type: "string" },
    "drawn-only": { type: "boolean", default: false },
  },
});
const isReal = hasRealPhotos && !values["drawn-only"];
/** Cases of one seed; those of the next one come after them. */
const CASES_PER_SEED = 1_000_000;
/** Records take microseconds, photos milliseconds. */
const PHOTOS_SHARE = 0.9;
const FINDINGS = "fuzz-findings";

process.exitCode = values.case ? await tryOne(values.case) : await tryMany();

async function tryOne(name: string): Promise<number> {
  const [kind, text] = name.split(":");
  const number = Number(text);
  const isPhoto = kind === "photos";
  const found = isPhoto ? photoOfCase(await openCorpus(isReal), number) : recordOfCase(number);
  mkdirSync(FINDINGS, { recursive: true });
  const path = join(FINDINGS, `${kind}-${number}`);
  writeFileSync(path, found.bytes);
  console.log(`${found.name}, ${found.bytes.length} bytes, kept as ${path}`);
  const decoder = openDecoder();
  const result = "reader" in found ? tryRecord(found) : await tryPhoto(decoder, found.bytes);
  decoder.close();
  console.log(result);
  return result.problem === undefined ? 0 : 1;
}

async function tryMany(): Promise<number> {
  const kinds = (["photos", "records"] as const).filter((kind) => (values.only ?? kind) === kind);
  const folder = mkdtempSync(join(tmpdir(), "fruitstream-fuzz-"));
  let problems = 0;
  for (const kind of kinds) {
    const share = kinds.length === 1 ? 1 : kind === "photos" ? PHOTOS_SHARE : 1 - PHOTOS_SHARE;
    const endMs = Date.now() + share * Number(values.minutes) * 60_000;
    problems += await tryKind({ kind, endMs, isReal }, join(folder, kind));
  }
  rmSync(folder, { recursive: true });
  console.log(problems === 0 ? "nothing is wrong" : `WRONG: ${problems} cases`);
  return problems === 0 ? 0 : 1;
}

/** Workers one after the other: where a case ends one, the next begins behind it. */
async function tryKind(span: Omit<WorkerSpan, "first" | "count">, currentFile: string): Promise<number> {
  let first = Number(values.seed) * CASES_PER_SEED;
  const end = first + CASES_PER_SEED;
  let problems = 0;
  while (first < end && Date.now() < span.endMs) {
    const ended = await watchWorker({ ...span, first, count: end - first }, currentFile);
    if (!ended.report && ended.death?.number === 0)
      throw new Error(`the ${span.kind} could not be begun: ${ended.death.how}`);
    problems += print(span.kind, ended);
    if (!ended.death) break;
    first = ended.death.number + 1;
  }
  return problems;
}

function print(kind: string, { report, death, rssMiBMax, decoderRssMiBMax }: WorkerEnd): number {
  const { cases = 0, outcomes = {}, slowest, longestTurn, killed = [], problems = [] } = report?.tally ?? {};
  console.log(`${kind}: ${cases} cases, ${JSON.stringify(outcomes)}`);
  console.log(`  slowest: case ${slowest?.number}, ${slowest?.ms} ms`);
  console.log(`  longest turn of the event loop: case ${longestTurn?.number}, ${longestTurn?.ms} ms of CPU`);
  console.log(`  event loop's longest delay: ${report?.loopDelayMsMax} ms`);
  console.log(`  peak RSS: ${rssMiBMax} MiB, of a decoder process ${decoderRssMiBMax} MiB`);
  for (const { number, name, detail } of killed) console.log(`  ${kind}:${number} (${name}): ${detail}`);
  for (const { number, name, problem } of problems) console.log(`  ${kind}:${number} (${name}): ${problem}`);
  if (death) console.log(`  ${kind}:${death.number} ended its process: ${death.how}`);
  return problems.length + (death ? 1 : 0);
}
