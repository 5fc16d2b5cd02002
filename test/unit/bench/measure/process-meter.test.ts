import { expect, test } from "vitest";
import { cpuBetween, parseCpuSeconds, parseStatusBytes } from "#bench/measure/process-meter.ts";

const use = (cpuSeconds: number) => ({ cpuSeconds, rssBytes: 0, rssPeakBytes: 0 });

test("user and system time are read behind a name with spaces and parentheses", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 9 0 0 0 250 130 7 8 20 0 12 0 555 1000 200 18446744073709551615";
  expect(parseCpuSeconds(stat)).toBeCloseTo(3.8, 12);
});

test("lines of a status file are read in bytes, missing ones as 0", () => {
  const status = "Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n";
  expect(parseStatusBytes(status, "VmHWM")).toBe(209_715_200);
  expect(parseStatusBytes(status, "VmSwap")).toBe(0);
});

test("a role that was not there before counts from its start", () => {
  expect(cpuBetween({ broker: use(2) }, { broker: use(5), reducer: use(1) })).toEqual({ broker: 3, reducer: 1 });
});
