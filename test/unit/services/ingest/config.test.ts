import { describe, expect, it } from "vitest";
import { readConfig } from "#lib/runtime/config.ts";
import { ingestConfig } from "#services/ingest/config.ts";

const read = (env: Record<string, string>) => readConfig(ingestConfig, { KAFKA_BROKERS: "127.0.0.1:9092", ...env });

describe("ingestConfig", () => {
  it("needs nothing but the brokers", () => {
    expect(read({})).toMatchObject({ photosBucket: "photos", httpHost: "127.0.0.1", httpPort: 8080 });
    expect(read({}).unlabelledFolders.test("inbox")).toBe(true);
  });

  it.each([
    ["INGEST_UNLABELLED_FOLDERS", "(", 'INGEST_UNLABELLED_FOLDERS must be a regular expression, got "("'],
    ["INGEST_PHOTO_BYTES_MAX", "64MB", "INGEST_PHOTO_BYTES_MAX must be a whole number from 1 to"],
    ["INGEST_PHOTOS_BYTES_MAX", "1", "INGEST_PHOTOS_BYTES_MAX is not a setting; did you mean INGEST_PHOTO_BYTES_MAX?"],
    ["LOG_LEVEL", "loud", 'LOG_LEVEL must be debug, info, warn or error, got "loud"'],
    ["KAFKA_BROKERS", "localhost", 'KAFKA_BROKERS must be host:port, several separated by commas, got "localhost"'],
    ["KAFKA_BROKERS", "localhost:99999", "KAFKA_BROKERS must be host:port"],
  ])("refuses %s=%s and says why", (name, value, message) => {
    expect(() => read({ [name]: value })).toThrow(message);
  });
});
