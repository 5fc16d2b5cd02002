import { describe, expect, it } from "vitest";
import { eventTime, parseInstantMs } from "#lib/photo/event-time.ts";

const now = Date.UTC(2025, 5, 1, 12);
const dayMs = 86_400_000;

describe("eventTime", () => {
  it.each(["client", "object"] as const)("takes a time of the %s that can be true, in whole milliseconds", (source) => {
    const taken = (ms: number) => ({ capturedAtMs: ms, capturedAtSource: source });
    expect(eventTime(source, now - 1000.4, now)).toEqual(taken(now - 1000));
    expect(eventTime(source, 0, now)).toEqual(taken(0));
    expect(eventTime(source, now + dayMs, now)).toEqual(taken(now + dayMs));
  });

  it.each([undefined, -1, now + dayMs + 1, Number.NaN])("takes now for %s, which nobody has said then", (ms) => {
    expect(eventTime("client", ms, now)).toEqual({ capturedAtMs: now, capturedAtSource: "object" });
  });
});

describe("parseInstantMs", () => {
  it.each([
    ["2025-06-01T12:00:00Z", now],
    ["2025-06-01T14:00:00+02:00", now],
    ["2025-06-01T14:00:00+0200", now],
    ["2025-06-01T12:00Z", now],
    ["2025-06-01T12:00:00.250Z", now + 250],
    ["2025-06-01T12:00:00,250z", now + 250],
  ])("reads %s", (text, instantMs) => {
    expect(parseInstantMs(text)).toBe(instantMs);
  });

  it.each([undefined, "", "yesterday", "2025-06-01", "2025-06-01T12:00:00", "2025-13-01T12:00:00Z", "1748779200000"])(
    "reads nothing from %s",
    (text) => {
      expect(parseInstantMs(text)).toBeUndefined();
    },
  );
});
