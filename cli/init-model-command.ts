import { dirname, relative } from "node:path";
import { Command } from "commander";
import type { Finding } from "#ops/models/guess-manifest.ts";
import { initModel } from "#ops/models/init-model.ts";

/** `fruitstream models init`: a first model.json from what an ONNX file says of itself. */
export function initModelCommand(): Command {
  return new Command("init")
    .description("write a first model.json beside an ONNX file; says what it guessed and you must check")
    .argument("<file>", "the ONNX file; its folder becomes the model folder")
    .option("--labels <file>", "text file with one label per line, in the order of the classes")
    .option("--name <name>", "the model's name; the file's by default")
    .option("--json", "print the result as JSON", false)
    .action(runInit);
}

interface InitFlags {
  readonly labels?: string;
  readonly name?: string;
  readonly json: boolean;
}

async function runInit(onnxPath: string, { labels, name, json }: InitFlags): Promise<void> {
  const result = await initModel({ onnxPath, labelsPath: labels, name });
  if (json) return console.log(JSON.stringify(result));
  const { manifestPath, id, dimension, facts, guesses } = result;
  console.log(`wrote ${relative(process.cwd(), manifestPath)}: ${id}, vectors of ${dimension} values`);
  console.log(`\nread from the graph\n${facts.map(formatFinding).join("\n")}`);
  console.log(`\nguessed; check against how the network was trained\n${guesses.map(formatFinding).join("\n")}`);
  console.log(`\nthen look at what it sees:\n  fruitstream models try PHOTO --model ${dirname(manifestPath)}`);
}

function formatFinding({ field, value, why }: Finding): string {
  return `  ${field}: ${typeof value === "string" ? value : JSON.stringify(value)}\n      ${why}`;
}
