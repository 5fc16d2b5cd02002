import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatProperties } from "./java-properties.ts";
import { LOOPBACK } from "./local-port.ts";
import type { StackServer } from "./server-process.ts";
import { stackConfig } from "./stack-settings.ts";

/** Known to everybody on purpose: the server listens on the loopback address only, and holds nothing but test data. */
export const S3_CREDENTIALS = { accessKeyId: "fruitstream", secretAccessKey: "fruitstream-local" } as const;

/** S3Proxy over plain files: an object is the file `s3/objects/BUCKET/KEY` in the state folder. */
export const s3Server: StackServer = {
  name: "s3",
  title: "S3Proxy",
  ports: ({ s3Port }) => [{ port: s3Port, setting: stackConfig.s3Port.name }],
  async prepare(_java, { s3ProxyClassPath }, { s3Port, stateDir }) {
    const folder = join(stateDir, "s3");
    const objectsDir = join(folder, "objects");
    const configPath = join(folder, "s3proxy.properties");
    await mkdir(objectsDir, { recursive: true });
    await writeFile(configPath, s3ProxyProperties(s3Port, objectsDir));
    return [...JVM_FLAGS, "-cp", s3ProxyClassPath, "org.gaul.s3proxy.Main", "--properties", configPath];
  },
  answers: s3Answers,
};

/** Small and quick to start, since the server carries one developer's load. */
const JVM_FLAGS = [
  "-Xmx512m",
  "-XX:+UseSerialGC",
  "-XX:TieredStopAtLevel=1",
  `-Dlogback.configurationFile=${new URL("./logback.xml", import.meta.url).href}`,
];

/** The largest body of a PUT whose signature covers its payload: S3Proxy holds it in memory to check the signature. */
const SIGNED_BODY_BYTES_MAX = 64 * 1024 * 1024;

function s3ProxyProperties(port: number, objectsDir: string): string {
  return formatProperties({
    "s3proxy.endpoint": `http://${LOOPBACK}:${port}`,
    "s3proxy.authorization": "aws-v2-or-v4",
    "s3proxy.identity": S3_CREDENTIALS.accessKeyId,
    "s3proxy.credential": S3_CREDENTIALS.secretAccessKey,
    "s3proxy.v4-max-non-chunked-request-size": SIGNED_BODY_BYTES_MAX,
    "jclouds.provider": "filesystem-nio2",
    "jclouds.filesystem.basedir": objectsDir,
  });
}

const ANSWER_MS_MAX = 2_000;

/** An anonymous listing of the buckets is refused, by a server that is up. */
async function s3Answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://${LOOPBACK}:${port}/`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    await response.body?.cancel();
    return response.status === 403;
  } catch {
    return false;
  }
}
