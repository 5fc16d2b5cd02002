import { Command } from "commander";
import { manifestJsonSchema } from "#lib/model/manifest.ts";
import { describeModel } from "#lib/model/model-folder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { fetchModel, type OnFetched } from "#ops/models/fetch-model.ts";
import {
  inspectModel,
  listModels,
  type ModelDetails,
  type ModelSummary,
  verifyModel,
} from "#ops/models/inspect-models.ts";
import { pythonConfig } from "#ops/models/python-environment.ts";
import { quantizeModel } from "#ops/models/quantize-model.ts";
import { type TriedPhoto, tryPhotos } from "#ops/models/try-photos.ts";
import { initModelCommand } from "./init-model-command.ts";
import { interruptible } from "./interruption.ts";
import { type OutputFlags, print, printJson, withJson } from "./output.ts";
import { StatusLine } from "./status-line.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

const MODEL = "a model folder, or the name of a model that comes with the project";

/** `fruitstream models`: what models there are, getting their files, and looking at what they do. */
export function modelsCommand(): Command {
  const models = new Command("models").description("list, describe, fetch, verify, try and quantise models");
  withJson(models.command("list")).description("list the models that come with the project").action(runList);
  withJson(models.command("show"))
    .description("print a model's manifest and where its files are")
    .argument("<model>", MODEL)
    .action(runShow);
  models.addCommand(initModelCommand());
  models
    .command("schema")
    .description("print the JSON Schema of model.json, for editors")
    .action(() => void process.stdout.write(manifestJsonSchema()));
  withJson(models.command("fetch"))
    .description("download model files of the zoo, resumed if interrupted, checked by size and SHA-256")
    .argument("<models...>", MODEL)
    .action(runFetch);
  withJson(models.command("verify"))
    .description("check the files of models, load each and run it once")
    .argument("<models...>", MODEL)
    .action(runVerify);
  withJson(models.command("try"))
    .description("print the best labels and the norm of the vector for photos")
    .argument("<photos...>", "image files")
    .option("--model <model>", MODEL, "fruitnet")
    .action(runTry);
  withJson(models.command("quantize"))
    .description("make an int8 copy of a model and measure what it costs and gains; needs Python 3.11 or newer")
    .argument("<model>", MODEL)
    .requiredOption("--calibrate <folder>", "photos like those to come; their ranges set the int8 scales")
    .option("--labelled <folder>", "photos in folders named by label, for the linear probe")
    .option("--out <folder>", "a new folder; by default the model's, with -int8 appended")
    .option("--photos <n>", "photos to calibrate with", wholeNumberOption(1, 10_000), 200)
    .action(runQuantize);
  return models;
}

async function runList({ json }: OutputFlags): Promise<void> {
  const models = await listModels();
  if (json) printJson({ models });
  else console.table(models.map(summaryLine));
}

function summaryLine({ name, id, dimension, bytes, file, licence }: ModelSummary) {
  const size = bytes === null ? "" : formatMegabytes(bytes);
  return { name, id: id ?? "", dimension: dimension ?? "", size, file, licence: licence ?? "" };
}

async function runShow(model: string, { json }: OutputFlags): Promise<void> {
  const details = await inspectModel(model);
  if (json) printJson(details);
  else print(formatDetails(details));
}

function formatDetails({ manifest, id, folder, path, file, labels }: ModelDetails): string {
  return `${JSON.stringify(manifest, undefined, 2)}
id:     ${id ?? "unknown until its file is read: `models verify` does it"}
folder: ${folder}
file:   ${path} (${file})
labels: ${labels ?? "none"}`;
}

async function runFetch(names: string[], { json }: OutputFlags): Promise<void> {
  const fetched: { name: string; path: string }[] = [];
  await interruptible(async (signal) => {
    for (const name of names) {
      const model = await describeModel(name);
      const line = new StatusLine(systemClock);
      await fetchModel(model, signal, showFetching(model.manifest.name, line));
      line.end("");
      fetched.push({ name: model.manifest.name, path: model.onnxPath });
      if (!json) print(`${model.manifest.name}: ${model.onnxPath}`);
    }
    if (json) printJson({ models: fetched });
  });
}

function showFetching(name: string, line: StatusLine): OnFetched {
  return (receivedBytes, { url, bytes }) => {
    if (receivedBytes === 0) line.note(`${name}: ${formatMegabytes(bytes)} from ${url}`);
    else line.show(() => `${formatMegabytes(receivedBytes)} of ${formatMegabytes(bytes)}`);
  };
}

async function runVerify(names: string[], { json }: OutputFlags): Promise<void> {
  const models = [];
  for (const name of names) {
    const verified = await verifyModel(name);
    models.push(verified);
    const classes = verified.classes === null ? "no classes" : `${verified.classes} classes`;
    if (!json) print(`${verified.id}: ${verified.dimension} features, ${classes}, ${verified.path}`);
  }
  if (json) printJson({ models });
}

async function runTry(paths: string[], { model, json }: OutputFlags & { model: string }): Promise<void> {
  const photos = [];
  for await (const photo of tryPhotos(model, paths)) {
    if ("reason" in photo) process.exitCode = 1;
    if (json) photos.push(triedFacts(photo));
    else print(formatTried(photo));
  }
  if (json) printJson({ photos });
}

function triedFacts(photo: TriedPhoto) {
  if ("reason" in photo) return photo;
  const { features, predictions } = photo.vector;
  return { path: photo.path, norm: Math.hypot(...features), predictions };
}

/** As "a.jpg  norm 26.13  lemon 0.812, orange 0.103". */
export function formatTried(photo: TriedPhoto): string {
  if ("reason" in photo) return `${photo.path}  ${photo.reason}: ${photo.detail}`;
  const { features, predictions } = photo.vector;
  const norm = `${photo.path}  norm ${Math.hypot(...features).toFixed(2)}`;
  const best = predictions?.map(({ label, score }) => `${label} ${score.toFixed(3)}`).join(", ");
  return best === undefined ? norm : `${norm}  ${best}`;
}

interface QuantizeFlags extends OutputFlags {
  readonly calibrate: string;
  readonly labelled?: string;
  readonly out?: string;
  readonly photos: number;
}

async function runQuantize(model: string, flags: QuantizeFlags): Promise<void> {
  const { calibrate, labelled, out, photos, json } = flags;
  const { python } = readConfig(pythonConfig, process.env);
  const line = new StatusLine(systemClock);
  const result = await interruptible((signal) =>
    quantizeModel({ model, calibrate, labelled, out, calibrationPhotos: photos, python }, signal, (text) =>
      line.note(text),
    ),
  );
  if (!result) return;
  const { folder, report, reportText } = result;
  if (json) printJson({ folder, ...report });
  else print(`${reportText}\n${folder}`);
}

/** As "14.0 MB". */
function formatMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
