import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { endWithProcess } from "./end-with-process.ts";

const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What became of a command. */
export interface CommandOutcome {
  /** Null when it was killed. */
  readonly exitCode: number | null;
  readonly output: string;
}

/** `fruitstream …` as a process that can be killed. */
export class CommandUnderFault {
  readonly ended: Promise<CommandOutcome>;
  readonly #child: ChildProcess;

  /** @param name by which the S3 proxy knows who asks. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    const child = spawn(process.execPath, ["--disable-warning=TimeoutNegativeWarning", "cli/fruitstream.ts", ...args], {
      cwd: PROJECT_ROOT,
      env: { ...process.env, ...env, AWS_SDK_UA_APP_ID: name },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const forget = endWithProcess(() => child.kill("SIGKILL"));
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    this.ended = once(child, "close").then(async ([exitCode]) => {
      forget();
      return { exitCode, output: (await output).join("\n") };
    });
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
