import { Command } from "commander";
import { endpointsAsEnv, type StackEndpoints } from "#stack/endpoints.ts";
import { stackDown, stackStatus, stackUp, stackWipe } from "#stack/local-stack.ts";
import { foreignEndpoints } from "#stack/resolve-endpoints.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import { type OutputFlags, print, printJson, tell, withJson } from "./output.ts";

/** `fruitstream stack up|down|status|wipe`: Kafka and S3 on this machine, for development. */
export function stackCommand(): Command {
  const stack = new Command("stack").description("run Kafka and S3 as processes of this machine, for development");
  stack
    .command("up")
    .description('start them; `eval "$(fruitstream stack up)"` sets the variables that name them')
    .action(up);
  stack.command("down").description("stop them; their data is kept").action(down);
  withJson(stack.command("status")).description("print whether they run; exit code 1 if not").action(status);
  stack.command("wipe").description("stop them and delete their data").action(wipe);
  return stack;
}

/** Only the `export` lines go to standard output, so that a shell can evaluate it. */
async function up(): Promise<void> {
  const settings = readStackSettings(process.env);
  const configured = await foreignEndpoints(process.env, settings);
  if (configured) {
    tell("KAFKA_BROKERS is set, so that stack is used and nothing is started");
    printExports(configured);
    return;
  }
  const { endpoints, startedHere } = await stackUp(settings, tell);
  tell(startedHere ? "the stack is up" : "the stack was up already");
  tell(`Kafka  ${endpoints.kafkaBrokers.join(",")}`);
  tell(`S3     ${endpoints.s3Endpoint}`);
  tell(`data   ${settings.stateDir}`);
  printExports(endpoints);
}

async function down(): Promise<void> {
  await stackDown(readStackSettings(process.env));
  tell("the stack is down");
}

async function status({ json }: OutputFlags): Promise<void> {
  const settings = readStackSettings(process.env);
  const { servers, endpoints } = await stackStatus(settings);
  if (json) {
    const facts = servers.map(({ title, state, record }) => ({
      name: title,
      state,
      port: record?.port ?? null,
      pid: record?.pid ?? null,
    }));
    printJson({ servers: facts, data: settings.stateDir });
  } else {
    for (const { title, state, record } of servers) {
      print(record ? `${title}: ${state} on port ${record.port}, pid ${record.pid}` : `${title}: ${state}`);
    }
    print(`data: ${settings.stateDir}`);
  }
  if (!endpoints) process.exitCode = 1;
}

async function wipe(): Promise<void> {
  const settings = readStackSettings(process.env);
  await stackWipe(settings);
  tell(`the stack is down and ${settings.stateDir} is empty`);
}

function printExports(endpoints: StackEndpoints): void {
  for (const [name, value] of Object.entries(endpointsAsEnv(endpoints))) {
    console.log(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  }
}
