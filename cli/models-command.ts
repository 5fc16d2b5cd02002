import { Command } from "commander";
import { manifestJsonSchema } from "#lib/model/manifest.ts";
import { describeModel } from "#lib/model/model-folder.ts";
import { fetchModel } from "#ops/models/fetch-model.ts";
import { listModels, showModel, verifyModel } from "#ops/models/inspect-models.ts";
import { quantizeModel } from "#ops/models/quantize-model.ts";
import { tryPhotos } from "#ops/models/try-photos.ts";
import { initModelCommand } from "./init-model-command.ts";
import { interruptible } from "./interruption.ts";
import { wholeNumberOption } from "./whole-number-option.ts";

const MODEL = "a model folder, or the name of a model that comes with the project";

/** `fruitstream models`: what models there are, getting their files, and looking at what they do. */
export function modelsCommand(): Command {
  const models = new Command("models").description("list, describe, fetch, verify, try and quantise models");
  models.command("list").description("the models that come with the project").action(listModels);
  models
    .command("show")
    .description("a model's manifest, and where its parts are")
    .argument("<model>", MODEL)
    .action(showModel);
  models.addCommand(initModelCommand());
  models
    .command("schema")
    .description("print the JSON Schema of model.json, for editors")
    .action(() => void process.stdout.write(manifestJsonSchema()));
  models
    .command("fetch")
    .description("download the files of models of the zoo, checked; goes on where it was interrupted")
    .argument("<models...>", MODEL)
    .action(runFetch);
  models
    .command("verify")
    .description("check the files of models, and that they run")
    .argument("<models...>", MODEL)
    .action(async (names: string[]) => {
      for (const name of names) await verifyModel(name);
    });
  models
    .command("try")
    .description("the best labels and the norm of the vector for photos")
    .argument("<photos...>", "image files")
    .option("--model <model>", MODEL, "fruitnet")
    .action(async (photos: string[], { model }: { model: string }) => {
      if ((await tryPhotos(model, photos)) > 0) process.exitCode = 1;
    });
  models
    .command("quantize")
    .description("an int8 copy of a model, with a report of what it costs and gains; needs Python 3.11 or newer")
    .argument("<model>", MODEL)
    .requiredOption("--calibrate <folder>", "photos like those to come; their ranges set the int8 scales")
    .option("--labelled <folder>", "photos in folders named by label, for the linear probe")
    .option("--out <folder>", "a new folder; the model's with -int8 by default")
    .option("--photos <n>", "photos to calibrate with", wholeNumberOption(1, 10_000), 200)
    .action(runQuantize);
  return models;
}

async function runFetch(names: string[]): Promise<void> {
  await interruptible(async (signal) => {
    for (const name of names) {
      const model = await describeModel(name);
      await fetchModel(model, signal);
      console.log(`${model.manifest.name}: ${model.onnxPath}`);
    }
  });
}

interface QuantizeFlags {
  readonly calibrate: string;
  readonly labelled?: string;
  readonly out?: string;
  readonly photos: number;
}

async function runQuantize(model: string, { calibrate, labelled, out, photos }: QuantizeFlags): Promise<void> {
  const result = await interruptible((signal) =>
    quantizeModel({ model, calibrate, labelled, out, calibrationPhotos: photos }, signal),
  );
  if (result) console.log(`${result.reportText}\n${result.folder}`);
}
