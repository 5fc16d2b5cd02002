import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { Command, Option } from "commander";
import { interruptible } from "#cli/interruption.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Bench } from "./bench.ts";
import { compressionBench } from "./compression/compression.ts";
import { endToEndBench } from "./end-to-end/end-to-end.ts";
import { formatsBench } from "./formats/formats.ts";
import { growthBench } from "./growth.ts";
import { maintenanceLatencyBench } from "./maintenance/commit-latency.ts";
import { maintenanceBench } from "./maintenance/maintenance.ts";
import { describeMachine } from "./measure/machine.ts";
import { peersBench } from "./peers/peers.ts";
import { phoneBench } from "./phone.ts";
import { rawBench } from "./raw/raw.ts";
import { photoVersionsBench } from "./reducer/photo-versions.ts";
import { reducerBench } from "./reducer/reducer.ts";
import { replayBench } from "./replay.ts";
import type { BenchReport } from "./report/bench-report.ts";
import { formatReport } from "./report/markdown.ts";
import { writeFigures, writeReport } from "./report/results.ts";
import { runBenches } from "./run-benches.ts";
import { openRunContext } from "./run-context.ts";
import { stagesBench } from "./stages/stages.ts";
import { startBench } from "./start/start.ts";

const BENCHES: readonly Bench[] = [
  rawBench,
  stagesBench,
  endToEndBench,
  compressionBench,
  reducerBench,
  photoVersionsBench,
  growthBench,
  maintenanceBench,
  maintenanceLatencyBench,
  startBench,
  phoneBench,
  formatsBench,
  replayBench,
  peersBench,
];

const fromProject = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

interface BenchFlags {
  readonly only?: string;
  readonly photos: string;
  readonly model: string;
  readonly json?: string;
  readonly full: boolean;
  readonly quick: boolean;
}

const program = new Command("bench")
  .description(`measure the pipeline against its limits: ${BENCHES.map(({ name }) => name).join(", ")}`)
  .option("--only <names>", "these benches, separated by commas; all by default")
  .option("--photos <folder>", "sample of photos", fromProject("../shared/fruits360/small"))
  .option("--model <folder>", "model folder, with a model.json", fromProject("test/models/mobilenet_v2"))
  .option("--json <file>", "write all figures to this file too, after each bench")
  .option("--full", "more rounds, a table of 50,000 photos, a long replay, the peers at 3,000 photos", false)
  .addOption(
    new Option("--quick", "few photos, one round: shows that everything runs, measures nothing")
      .default(false)
      .conflicts("full"),
  )
  .action(measure);

try {
  await program.parseAsync();
} catch (error) {
  console.error(`bench: ${describeError(error)}`);
  process.exitCode = 1;
}
// Clients may hold timers and sockets; everything that was started has been stopped by now.
process.exit();

async function measure(flags: BenchFlags): Promise<void> {
  const chosen = chooseBenches(flags.only);
  const machine = describeMachine();
  const resultsFolder = join(fromProject("bench/results"), flags.quick ? "quick" : "");
  const reports: Record<string, BenchReport> = {};
  const failures: Record<string, string> = {};
  const writeJson = async () => {
    if (flags.json) await writeFigures(resolve(flags.json), { machine, options: flags, reports, failures });
  };

  // Before anything is measured: a file that can't be written must not be found out at the end.
  await writeJson();
  await interruptible(async (signal) => {
    const run = await openRunContext(
      {
        photosFolder: resolve(flags.photos),
        isPhotosFolderGiven: program.getOptionValueSource("photos") !== "default",
        modelFolder: resolve(flags.model),
        extent: flags.full ? "full" : flags.quick ? "quick" : "usual",
      },
      signal,
    );
    try {
      await runBenches(chosen, run, async (outcome) => {
        const { name, title } = outcome.bench;
        if ("error" in outcome) {
          failures[name] = describeError(outcome.error);
          console.error(`bench: ${name} failed: ${failures[name]}`);
        } else {
          reports[name] = outcome.report;
          const text = formatReport(title, outcome.report, machine);
          await writeReport(resultsFolder, name, text, outcome.report);
          console.log(`\n${text}`);
        }
        await writeJson();
      });
    } finally {
      await run.close();
    }
  });
  const failed = Object.keys(failures);
  if (failed.length > 0) throw new FruitstreamError("usage", `failed: ${failed.join(", ")}; the others have reports`);
}

function describeError(error: unknown): string {
  return error instanceof FruitstreamError ? error.message : inspect(error);
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
