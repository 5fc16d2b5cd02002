import { describe, expect, it } from "vitest";
import { eventTimeMs, parseInstantMs } from "#lib/photo/event-time.ts";

const now = Date.UTC(2025, 5, 1, 12);
const dayMs = 86_400_000;

describe("eventTimeMs", () => {
  it("takes a time that can be true, in whole milliseconds", () => {
    expect(eventTimeMs(now - 1000.4, now)).toBe(now - 1000);
    expect(eventTimeMs(0, now)).toBe(0);
    expect(eventTimeMs(now + dayMs, now)).toBe(now + dayMs);
  });

  it("takes now for none, and for one that can't be true", () => {
    expect(eventTimeMs(undefined, now)).toBe(now);
    expect(eventTimeMs(-1, now)).toBe(now);
    expect(eventTimeMs(now + dayMs + 1, now)).toBe(now);
    expect(eventTimeMs(Number.NaN, now)).toBe(now);
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
