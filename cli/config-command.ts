import { Command } from "commander";
import type { ConfigShape } from "#lib/runtime/config.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import { ingestConfig } from "#services/ingest/config.ts";
import { reducerConfig } from "#services/reducer/config.ts";

/** `fruitstream config`: every environment variable of every service, from the schemas that check them. */
export function configCommand(): Command {
  return new Command("config")
    .description("print the environment variables of the services, as Markdown")
    .action(() => {
      process.stdout.write(describeConfiguration());
    });
}

/** The text of `docs/configuration.md`. */
export function describeConfiguration(): string {
  const services: Record<string, ConfigShape> = {
    ingest: ingestConfig,
    featurizer: featurizerConfig,
    reducer: reducerConfig,
  };
  const all: ConfigShape = Object.assign({}, ...Object.values(services));
  const isShared = (name: string) => {
    const types = Object.values(services).flatMap((shape) => shape[name] ?? []);
    return types.length > 1 && new Set(types.map(defaultOf)).size === 1;
  };
  const shared = Object.entries(all).filter(([name]) => isShared(name));
  const sections = Object.entries(services).map(([service, shape]) => {
    const own = Object.entries(shape).filter(([name]) => !isShared(name));
    return `## ${service}\n\n${table(own)}`;
  });
  return `${[INTRODUCTION, `## Several services, with the same default\n\n${table(shared)}`, ...sections].join("\n")}`;
}

const INTRODUCTION = `# Configuration

Services read nothing but environment variables. A value that is wrong, and a variable with a service's prefix that does
not exist, stop the service at its start with a message that names them. \`LOG_LEVEL\` is debug, info, warn or error.
Printed by \`npx fruitstream config\`.
`;

function table(settings: [string, ConfigShape[string]][]): string {
  const rows = settings.map(([name, type]) => `| \`${name}\` | ${defaultOf(type)} | ${type.description} |`);
  return `${["| variable | default | what it is |", "| --- | --- | --- |", ...rows].join("\n")}\n`;
}

function defaultOf(type: ConfigShape[string]): string {
  const byDefault = type.safeParse(undefined);
  return byDefault.success ? formatDefault(byDefault.data) : "required";
}

function formatDefault(value: unknown): string {
  if (value === undefined) return "";
  const text = value instanceof RegExp ? value.source : value === "" ? '""' : String(value);
  return `\`${text.replaceAll("|", "\\|")}\``;
}
