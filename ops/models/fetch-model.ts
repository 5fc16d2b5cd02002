import { setGlobalProxyFromEnv } from "node:http";
import { StatusLine } from "#cli/status-line.ts";
import type { DescribedModel } from "#lib/model/model-folder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { download } from "./download.ts";
import type { RemoteFile } from "./remote-file.ts";

/** A server that is alive sends something within this time, also through a slow mobile line. */
const STALL_MS_MAX = 30_000;

/**
 * Downloads a model's ONNX file into the cache, through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.
 *
 * @throws usage when the model's file comes with its folder; else as `download`.
 */
export async function fetchModel({ manifest, onnxPath }: DescribedModel, signal: AbortSignal): Promise<void> {
  const file = remoteFile(manifest);
  const line = new StatusLine(systemClock);
  const restoreProxy = setGlobalProxyFromEnv();
  try {
    line.note(`${manifest.name}: ${megabytes(file.bytes)} from ${file.url}`);
    await download(file, onnxPath, {
      clock: systemClock,
      stallMsMax: STALL_MS_MAX,
      onProgress: (received) => line.show(() => `${megabytes(received)} of ${megabytes(file.bytes)}`),
      signal,
    });
    line.end("");
  } finally {
    restoreProxy();
  }
}

/** As "14.0 MB". */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function remoteFile({ name, download: remote, sha256 }: DescribedModel["manifest"]): RemoteFile {
  if (remote && sha256 !== undefined) return { ...remote, sha256 };
  throw new FruitstreamError("usage", `${name} has nothing to fetch: its model.json names no download`);
}
