import type { Readable } from "node:stream";
import { FruitstreamError } from "#lib/runtime/errors.ts";

/**
 * Reads a response's body into memory, never more than `bytesMax`.
 *
 * @param lengthBytes what the server has announced; a body above the bound is not read at all then.
 * @throws too-large above the bound; store-unavailable when the body ends before its announced length.
 */
export async function readBody(body: Readable, lengthBytes: number | undefined, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let readBytes = 0;
  if (lengthBytes !== undefined && lengthBytes > bytesMax) {
    body.destroy();
    throw tooLarge(lengthBytes, bytesMax);
  }
  // Leaving the loop early destroys the body, and with it the connection that still carries its rest.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    readBytes += chunk.byteLength;
    if (readBytes > bytesMax) throw tooLarge(readBytes, bytesMax);
    chunks.push(chunk);
  }
  if (lengthBytes !== undefined && readBytes !== lengthBytes) {
    throw new FruitstreamError("store-unavailable", `the body ended after ${readBytes} of ${lengthBytes} bytes`);
  }
  return Buffer.concat(chunks, readBytes);
}

function tooLarge(bytes: number, bytesMax: number): FruitstreamError {
  return new FruitstreamError("too-large", `the object has ${bytes} bytes or more, above the limit of ${bytesMax}`);
}
