/** The order in which S3 lists keys: that of their UTF-8 bytes. Strings compare by UTF-16 units, which differs past U+FFFF. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
