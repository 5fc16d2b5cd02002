import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ensureJars, jarFolderName } from "#stack/jar-cache.ts";

test("the folder's name follows the content of pom.xml", () => {
  const name = jarFolderName(Buffer.from("<project/>"));
  expect(name).toMatch(/^stack-[0-9a-f]{12}$/);
  expect(jarFolderName(Buffer.from("<project/>"))).toBe(name);
  expect(jarFolderName(Buffer.from("<project />"))).not.toBe(name);
});

test("what is in the cache is used as it is, without a download", async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "fruitstream-cache-"));
  try {
    const name = jarFolderName(await readFile(new URL("../../../stack/pom.xml", import.meta.url)));
    await mkdir(join(cacheDir, name));
    const lines: string[] = [];
    const jars = await ensureJars(cacheDir, (line) => lines.push(line));
    expect(jars.kafkaClassPath).toBe(join(cacheDir, name, "kafka", "*"));
    expect(jars.s3ProxyClassPath).toBe(join(cacheDir, name, "s3proxy", "*"));
    expect(lines).toEqual([]);
  } finally {
    await rm(cacheDir, { recursive: true });
  }
});
