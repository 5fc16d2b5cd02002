import { Command } from "commander";
import type { ConfigShape, Setting } from "#lib/runtime/config.ts";
import { pythonConfig } from "#ops/models/python-environment.ts";
import { featurizerConfig } from "#services/featurizer/config.ts";
import { ingestConfig } from "#services/ingest/config.ts";
import { maintainerConfig } from "#services/maintainer/config.ts";
import { reducerConfig } from "#services/reducer/config.ts";
import { stackConfig } from "#stack/stack-settings.ts";
import { type OutputFlags, printJson, withJson } from "./output.ts";

/** Every setting of the project, by who reads it. */
export const CONFIG_SHAPES = {
  ingest: ingestConfig,
  featurizer: featurizerConfig,
  reducer: reducerConfig,
  maintainer: maintainerConfig,
  "The local stack": stackConfig,
  "The commands that need Python": pythonConfig,
} as const satisfies Record<string, ConfigShape>;

/** `fruitstream config`: every environment variable, from the shapes that check them. */
export function configCommand(): Command {
  return withJson(new Command("config"))
    .description("print the environment variables of services and commands, as Markdown or JSON")
    .action(({ json }: OutputFlags) => {
      if (json) printJson({ settings: configurationFacts() });
      else process.stdout.write(describeConfiguration());
    });
}

/** One variable as one reader takes it. */
interface SettingFacts {
  readonly name: string;
  /** Who reads it, as the headings of `docs/configuration.md` name it. */
  readonly readBy: string;
  readonly description: string;
  /** The text that stands for an unset variable; null where there is none, or where it must be set. */
  readonly default: string | null;
  readonly required: boolean;
}

/** The settings for programs: each once for each of its readers, in the order of the document. */
export function configurationFacts(): SettingFacts[] {
  return Object.entries<ConfigShape>(CONFIG_SHAPES).flatMap(([readBy, shape]) =>
    Object.values(shape).map((setting) => {
      const { isRequired, text } = defaultOf(setting);
      const description = setting.type.description ?? "";
      return { name: setting.name, readBy, description, default: text ?? null, required: isRequired };
    }),
  );
}

/** The text of `docs/configuration.md`. */
export function describeConfiguration(): string {
  const shapes = Object.entries<ConfigShape>(CONFIG_SHAPES);
  const everySetting = shapes.flatMap(([, shape]) => Object.values(shape));
  const isShared = ({ name }: Setting) => {
    const readers = everySetting.filter((setting) => setting.name === name);
    return readers.length > 1 && new Set(readers.map(defaultText)).size === 1;
  };
  const shared = new Map(everySetting.filter(isShared).map((setting) => [setting.name, setting]));
  const sections = shapes.map(([reader, shape]) => {
    const own = Object.values(shape).filter((setting) => !isShared(setting));
    return `## ${reader}\n\n${table(own)}`;
  });
  const common = `## Several services, with the same default\n\n${table([...shared.values()])}`;
  return `${[INTRODUCTION, common, ...sections].join("\n")}`;
}

const INTRODUCTION = `# Configuration

Services read nothing but environment variables; commands read the same ones. An empty variable counts as unset. A value
that is wrong stops a service or a command at its start with a message that names it. So does a variable that looks like
one of these and is none, with the nearest name:

- with a prefix of ours (\`S3_\`, \`TOPIC_\`, \`PHOTOS_\`, \`TABLE_\`, \`INGEST_\`, \`FEATURIZER_\`, \`REDUCER_\`,
  \`MAINTAINER_\`, \`FRUITSTREAM_\`), whatever follows;
- with a prefix that other software uses too (\`KAFKA_\`, \`HTTP_\`, \`LOG_\`), when it is a name below but for one or two
  letters: \`KAFKA_BROKER\` is refused, \`KAFKA_HEAP_OPTS\` and \`HTTP_PROXY\` are not;
- not what Kubernetes sets in every container for each service, as \`KAFKA_PORT_9092_TCP\` or \`S3_SERVICE_HOST\`.

Printed by \`npx fruitstream config\`.
`;

function table(settings: readonly Setting[]): string {
  const rows = settings.map(
    (setting) => `| \`${setting.name}\` | ${defaultText(setting)} | ${setting.type.description} |`,
  );
  return `${["| variable | default | what it is |", "| --- | --- | --- |", ...rows].join("\n")}\n`;
}

function defaultText(setting: Setting): string {
  const { isRequired, text } = defaultOf(setting);
  if (isRequired) return "required";
  if (text === undefined) return "";
  return `\`${text === "" ? '""' : text.replaceAll("|", "\\|")}\``;
}

function defaultOf({ type }: Setting): { readonly isRequired: boolean; readonly text: string | undefined } {
  const byDefault = type.safeParse(undefined);
  if (!byDefault.success) return { isRequired: true, text: undefined };
  return { isRequired: false, text: type.encode(byDefault.data) as string | undefined };
}
