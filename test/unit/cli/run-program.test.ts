import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommanderError } from "commander";
import { expect, onTestFinished, test } from "vitest";
import { describeFailure } from "#cli/run-program.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error,
  );
}

test("what was asked in a wrong way ends with 2, what could not be done with 1, each with its sentence", () => {
  expect(describeFailure(new FruitstreamError("usage", "which table?"))).toEqual({
    text: "fruitstream: which table?",
    exitCode: 2,
  });
  expect(describeFailure(new FruitstreamError("invalid-table", "there is none"))).toEqual({
    text: "fruitstream: there is none",
    exitCode: 1,
  });
});

test("what commander has said is not said again", () => {
  expect(describeFailure(new CommanderError(1, "commander.unknownOption", "unknown option"))).toEqual({
    text: undefined,
    exitCode: 2,
  });
  expect(describeFailure(new CommanderError(0, "commander.version", "0.2.0"))).toEqual({
    text: undefined,
    exitCode: 0,
  });
});

test("the system's refusals are sentences with path or port", async () => {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-refused-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "file");
  await writeFile(file, "");
  const notFolder = await errorOf(mkdir(join(file, "out"), { recursive: true }));
  expect(describeFailure(notFolder)).toEqual({
    text: `fruitstream: can't make the folder ${join(file, "out")}: a part of its path is a file and not a folder (ENOTDIR)`,
    exitCode: 1,
  });
  const missing = await errorOf(readdir(join(folder, "missing")));
  expect(describeFailure(new Error("wrapped", { cause: missing })).text).toMatch(
    /^fruitstream: can't list the folder .*missing: there is no such/,
  );

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const second = createServer();
  const taken = await new Promise((resolve) => second.on("error", resolve).listen(port, "127.0.0.1"));
  expect(describeFailure(taken).text).toBe(
    `fruitstream: can't listen on 127.0.0.1:${port}: another program has this port; stop it, or name another port (EADDRINUSE)`,
  );
});

test("what nobody foresaw comes with its trace", () => {
  const { text, exitCode } = describeFailure(new TypeError("x is not a function"));
  expect(text).toMatch(/^TypeError: x is not a function\n +at /);
  expect(exitCode).toBe(1);
});
