import { setGlobalProxyFromEnv } from "node:http";
import type { DescribedModel } from "#lib/model/model-folder.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { download } from "./download.ts";
import type { RemoteFile } from "./partial-download.ts";

/** A server that is alive sends something within this time, also through a slow mobile line. */
const STALL_MS_MAX = 30_000;

/** Told with 0 bytes before the first request, and then as they come. */
export type OnFetched = (receivedBytes: number, file: RemoteFile) => void;

/**
 * Downloads a model's ONNX file into the cache, through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.
 *
 * @throws usage when the model's file comes with its folder; else as `download`.
 */
export async function fetchModel(
  { manifest, onnxPath }: DescribedModel,
  signal: AbortSignal,
  onFetched: OnFetched = () => undefined,
): Promise<void> {
  const file = remoteFile(manifest);
  const restoreProxy = setGlobalProxyFromEnv();
  try {
    onFetched(0, file);
    await download(file, onnxPath, {
      clock: systemClock,
      stallMsMax: STALL_MS_MAX,
      onProgress: (receivedBytes) => onFetched(receivedBytes, file),
      signal,
    });
  } finally {
    restoreProxy();
  }
}

function remoteFile({ name, download: remote, sha256 }: DescribedModel["manifest"]): RemoteFile {
  if (remote && sha256 !== undefined) return { ...remote, sha256 };
  throw new FruitstreamError("usage", `${name} has nothing to fetch: its model.json names no download`);
}
