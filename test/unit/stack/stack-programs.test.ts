import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { jarFolderName } from "#stack/jar-cache.ts";
import { whatStackLacks } from "#stack/stack-programs.ts";
import { readStackSettings } from "#stack/stack-settings.ts";

let scratch: string;

beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "fruitstream-programs-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(scratch, { recursive: true });
});

const lack = () => whatStackLacks(readStackSettings({ FRUITSTREAM_CACHE_DIR: scratch }), { JAVA_HOME: scratch });

async function install(name: string, text: string): Promise<void> {
  await mkdir(join(scratch, "bin"), { recursive: true });
  await writeFile(join(scratch, "bin", name), `#!/bin/sh\necho '${text}'\n`);
  await chmod(join(scratch, "bin", name), 0o755);
}

test("a machine without Java, or with an old one, lacks it", async () => {
  expect(await lack()).toContain("install Java");
  await install("java", 'openjdk version "11.0.1"');
  expect(await lack()).toContain("Java 11");
});

test("Maven is needed only while the servers' programs are not there", async () => {
  await install("java", 'openjdk version "17.0.1"');
  vi.stubEnv("PATH", join(scratch, "bin"));
  expect(await lack()).toContain("install Maven");

  const pom = await readFile(new URL("../../../stack/pom.xml", import.meta.url));
  await mkdir(join(scratch, jarFolderName(pom)));
  expect(await lack()).toBeUndefined();
  await rm(join(scratch, jarFolderName(pom)), { recursive: true });
  vi.stubEnv("PATH", `${join(scratch, "bin")}:/usr/bin:/bin`);
  await install("mvn", "Apache Maven 3.9");
  expect(await lack()).toBeUndefined();
});
