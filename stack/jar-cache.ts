import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runMaven } from "./java-tools.ts";

/** The servers' programs on disk. */
export interface StackJars {
  /** As for `java -cp`. */
  readonly kafkaClassPath: string;
  readonly s3ProxyClassPath: string;
}

const POM_PATH = fileURLToPath(new URL("./pom.xml", import.meta.url));

const DOWNLOAD_PREFIX = "download-";

/**
 * The jars that `pom.xml` names, downloaded by Maven when this user never had them (110 MB). The folder's name carries
 * the hash of `pom.xml`, so other versions never mix, and it gets its name only when it is whole. Two calls on one cache
 * must not overlap.
 *
 * @throws stack-unavailable when the download fails.
 */
export async function ensureJars(cacheDir: string, report: (line: string) => void): Promise<StackJars> {
  const folder = join(cacheDir, jarFolderName(await readFile(POM_PATH)));
  if (!existsSync(folder)) {
    report(`downloading Kafka and S3Proxy with Maven into ${folder} (110 MB, once)`);
    await download(cacheDir, folder);
  }
  return { kafkaClassPath: join(folder, "kafka", "*"), s3ProxyClassPath: join(folder, "s3proxy", "*") };
}

/** Whether `ensureJars` would have nothing to download. */
export async function hasJars(cacheDir: string): Promise<boolean> {
  return existsSync(join(cacheDir, jarFolderName(await readFile(POM_PATH))));
}

/** The name of the cache's folder for a `pom.xml` of this content. */
export function jarFolderName(pom: Uint8Array): string {
  return `stack-${createHash("sha256").update(pom).digest("hex").slice(0, 12)}`;
}

async function download(cacheDir: string, folder: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  await removeKilledDownloads(cacheDir);
  const partial = await mkdtemp(join(cacheDir, DOWNLOAD_PREFIX));
  try {
    await runMaven(["-q", "-B", "--strict-checksums", "-f", POM_PATH, `-Djars=${partial}`, "package"]);
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function removeKilledDownloads(cacheDir: string): Promise<void> {
  const names = (await readdir(cacheDir)).filter((name) => name.startsWith(DOWNLOAD_PREFIX));
  await Promise.all(names.map((name) => rm(join(cacheDir, name), { recursive: true, force: true })));
}
