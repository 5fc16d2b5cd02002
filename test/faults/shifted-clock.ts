import { readFileSync } from "node:fs";

/**
 * Loaded into a service by `--import`: its wall clock is off by the milliseconds that the file FAULT_CLOCK_FILE holds,
 * and jumps when they change, as when somebody sets the machine's clock. Timers and `performance.now()` go on as they
 * do on such a machine, since both are monotonic.
 */
const LOOK_MS = 50;
const RealDate = Date;
const path = process.env.FAULT_CLOCK_FILE!;

let shiftMs = readShiftMs();
setInterval(() => {
  shiftMs = readShiftMs();
}, LOOK_MS).unref();

const now = () => RealDate.now() + shiftMs;

globalThis.Date = new Proxy(RealDate, {
  apply: () => new RealDate(now()).toString(),
  construct: (_target, args: [], newTarget) => Reflect.construct(RealDate, args.length > 0 ? args : [now()], newTarget),
  get: (target, name, receiver) => (name === "now" ? now : Reflect.get(target, name, receiver)),
});

function readShiftMs(): number {
  return Number(readFileSync(path, "utf8"));
}
