import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findJava, parseJavaVersion } from "#stack/java-tools.ts";

let javaHome: string;

beforeEach(async () => {
  javaHome = await mkdtemp(join(tmpdir(), "fruitstream-java-"));
});

afterEach(() => rm(javaHome, { recursive: true }));

async function installJava(versionLine: string): Promise<string> {
  const java = join(javaHome, "bin", "java");
  await mkdir(join(javaHome, "bin"));
  await writeFile(java, `#!/bin/sh\necho '${versionLine}' >&2\n`);
  await chmod(java, 0o755);
  return java;
}

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_292"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['openjdk version "26-ea" 2026-03-17', 26],
  ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.1" 2023-10-17', 21],
  ["Unable to locate a Java Runtime.", undefined],
])("%j is version %s", (text, version) => {
  expect(parseJavaVersion(text)).toBe(version);
});

test("the Java of JAVA_HOME is used when it is new enough", async () => {
  const java = await installJava('openjdk version "17.0.1"');
  expect(await findJava({ JAVA_HOME: javaHome })).toBe(java);
});

test("an old Java is refused with its version and what to install", async () => {
  await installJava('java version "1.8.0_292"');
  await expect(findJava({ JAVA_HOME: javaHome })).rejects.toMatchObject({
    code: "stack-unavailable",
    message: expect.stringMatching(/is Java 8; install Java 17 or newer/),
  });
});

test("no Java is refused with what to install", async () => {
  await expect(findJava({ JAVA_HOME: javaHome })).rejects.toMatchObject({
    code: "stack-unavailable",
    message: expect.stringMatching(/doesn't run; install Java 17 or newer/),
  });
});
