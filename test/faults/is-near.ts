/** Whether the difference is small beside the largest value. */
export function isNear(actual: ArrayLike<number>, expected: ArrayLike<number> | undefined, tolerance: number): boolean {
  if (!expected || actual.length !== expected.length) return false;
  const values = Array.from(expected);
  const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  return values.every((value, index) => Math.abs(value - actual[index]!) <= tolerance * scale);
}
