import { describe, expect, it } from "vitest";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import type { S3Options } from "#lib/store/s3/s3-options.ts";
import { describeObjectStoreContract } from "../contract/object-store.ts";

const env = process.env as Record<`S3_${string}`, string>;
const options: S3Options = {
  endpoint: env.S3_ENDPOINT,
  region: env.S3_REGION ?? "us-east-1",
  accessKeyId: env.S3_ACCESS_KEY_ID,
  secretAccessKey: env.S3_SECRET_ACCESS_KEY,
  forcePathStyle: true,
};

describeObjectStoreContract("S3", async () => openS3ObjectStore(options));

describe("S3 with wrong credentials", () => {
  it("refuses access with a message that names the endpoint and not the secret", async () => {
    const store = openS3ObjectStore({ ...options, secretAccessKey: "a-wrong-secret" });
    const error = await store.head({ bucket: "photos", key: "a.jpg" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "access-denied", fate: "crash" });
    expect((error as Error).message).toContain(options.endpoint);
    expect((error as Error).message).not.toContain("a-wrong-secret");
    store.close();
  });
});
