import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readSteady } from "#lib/intake/read-steady.ts";

async function photo(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fruitstream-steady-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "1.jpg");
  await writeFile(path, "half");
  return path;
}

it("reads again what was written to meanwhile", async () => {
  const path = await photo();
  let reads = 0;
  const content = await readSteady(path, async () => {
    const text = await readFile(path, "utf8");
    if (reads++ === 0) await appendFile(path, ", whole");
    return text;
  });
  expect(content).toBe("half, whole");
});

it("names a file that is written to without an end", async () => {
  const path = await photo();
  const reading = readSteady(path, () => appendFile(path, "more"));
  await expect(reading).rejects.toMatchObject({
    name: "PhotoFault",
    message: expect.stringContaining("it changed while"),
  });
});
