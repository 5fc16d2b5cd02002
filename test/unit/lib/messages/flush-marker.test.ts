import { expect, test } from "vitest";
import { flushMarker, isFlushMarker } from "#lib/messages/flush-marker.ts";

test("a marker is recognised, and nothing else is", () => {
  const marker = flushMarker(3);
  expect(marker.partition).toBe(3);
  expect(isFlushMarker(marker)).toBe(true);
  // As a consumer gives it: a copy of the bytes.
  expect(isFlushMarker({ key: Uint8Array.from(marker.key!), value: Buffer.alloc(0) })).toBe(true);
  expect(isFlushMarker({ key: marker.key, value: Buffer.from("vector") })).toBe(false);
  expect(isFlushMarker({ key: marker.key, value: null })).toBe(false);
  expect(isFlushMarker({ key: Buffer.from("photos/a.jpg"), value: Buffer.alloc(0) })).toBe(false);
  expect(isFlushMarker({ key: null, value: Buffer.alloc(0) })).toBe(false);
});
