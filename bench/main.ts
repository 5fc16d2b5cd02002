import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { interruptible } from "../cli/interruption.ts";
import { renderSvg } from "../cli/plot/render-svg.ts";
import { FruitstreamError } from "../lib/runtime/errors.ts";
import type { Bench } from "./bench.ts";
import { endToEndBench } from "./end-to-end/end-to-end.ts";
import { growthBench } from "./growth.ts";
import { describeMachine } from "./measure/machine.ts";
import { peersBench } from "./peers/peers.ts";
import { phoneBench } from "./phone.ts";
import { rawBench } from "./raw/raw.ts";
import { reducerBench } from "./reducer/reducer.ts";
import { replayBench } from "./replay.ts";
import type { BenchReport } from "./report/bench-report.ts";
import { formatReport } from "./report/markdown.ts";
import { withBenchContext } from "./run-context.ts";
import { stagesBench } from "./stages/stages.ts";
import { startBench } from "./start/start.ts";

const BENCHES: readonly Bench[] = [
  rawBench,
  stagesBench,
  endToEndBench,
  reducerBench,
  growthBench,
  startBench,
  phoneBench,
  replayBench,
  peersBench,
];

const fromProject = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

interface BenchFlags {
  readonly only?: string;
  readonly photos: string;
  readonly model: string;
  readonly json?: string;
  readonly quick: boolean;
}

const program = new Command("bench")
  .description(`measure the pipeline against its limits: ${BENCHES.map(({ name }) => name).join(", ")}`)
  .option("--only <names>", "these benches, separated by commas; all by default")
  .option("--photos <folder>", "sample of photos", fromProject("../shared/fruits360/small"))
  .option("--model <folder>", "model folder, with a model.json", fromProject("test/models/mobilenet_v2"))
  .option("--json <file>", "write all figures to this file too")
  .option("--quick", "few photos, one round: shows that everything runs, measures nothing", false)
  .action(runBenches);

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof FruitstreamError ? `bench: ${error.message}` : error);
  process.exitCode = 1;
}
// Clients may hold timers and sockets; everything that was started has been stopped by now.
process.exit();

async function runBenches(flags: BenchFlags): Promise<void> {
  const chosen = chooseBenches(flags.only);
  const machine = describeMachine();
  const resultsFolder = join(fromProject("bench/results"), flags.quick ? "quick" : "");
  await mkdir(resultsFolder, { recursive: true });
  const reports: Record<string, BenchReport> = {};

  await interruptible((signal) =>
    withBenchContext(
      { ...flags, photos: resolve(flags.photos), model: resolve(flags.model) },
      signal,
      async (context) => {
        for (const bench of chosen) {
          const report = await bench.run(context);
          reports[bench.name] = report;
          const text = formatReport(bench.title, report, machine);
          await writeFile(join(resultsFolder, `${bench.name}.md`), text);
          for (const { name, spec } of report.plots)
            await writeFile(join(resultsFolder, `${name}.svg`), await renderSvg(spec));
          console.log(`\n${text}`);
        }
      },
    ),
  );
  if (flags.json) await writeJson(resolve(flags.json), { machine, options: flags, reports });
}

function chooseBenches(only: string | undefined): readonly Bench[] {
  if (only === undefined) return BENCHES;
  return only.split(",").map((name) => {
    const bench = BENCHES.find((one) => one.name === name.trim());
    if (bench) return bench;
    const known = BENCHES.map((one) => one.name).join(", ");
    throw new FruitstreamError("usage", `--only must name some of ${known}, got "${name}"`);
  });
}

/** Without the plots: they show what the tables hold. */
async function writeJson(
  path: string,
  { machine, options, reports }: Record<string, unknown> & { reports: Record<string, BenchReport> },
) {
  const figures = Object.fromEntries(
    Object.entries(reports).map(([name, { method, tables, notes }]) => [name, { method, tables, notes }]),
  );
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ machine, options, benches: figures }, null, 2)}\n`);
}
