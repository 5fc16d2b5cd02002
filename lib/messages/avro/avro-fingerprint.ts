/**
 * CRC-64-AVRO, the Rabin fingerprint that names a schema in single-object encoding
 * (Avro specification 1.11, "Schema Fingerprints").
 *
 * @param canonicalForm the schema in Parsing Canonical Form
 * @returns the 64-bit fingerprint
 */
export function crc64Avro(canonicalForm: string): bigint {
  let fingerprint = EMPTY;
  for (const byte of Buffer.from(canonicalForm, "utf8")) {
    fingerprint = (fingerprint >> 8n) ^ TABLE[Number((fingerprint ^ BigInt(byte)) & 0xffn)]!;
  }
  return fingerprint;
}

const EMPTY = 0xc15d213aa4d7a795n;

const TABLE: readonly bigint[] = Array.from({ length: 256 }, (_, index) => {
  let entry = BigInt(index);
  for (let bit = 0; bit < 8; bit++) entry = (entry >> 1n) ^ (entry & 1n ? EMPTY : 0n);
  return entry;
});
