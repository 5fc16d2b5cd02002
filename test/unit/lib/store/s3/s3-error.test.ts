import { describe, expect, it } from "vitest";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { toStoreError } from "#lib/store/s3/s3-error.ts";

const target = { endpoint: "http://127.0.0.1:9000", bucket: "photos", key: "a.jpg" };

describe("toStoreError", () => {
  it.each(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTFOUND", "HPE_INVALID_CONSTANT"])(
    "takes the broken connection %s for an unavailable store",
    (code) => {
      const cause = Object.assign(new Error("socket"), { code });
      expect(toStoreError(cause, target)).toMatchObject({ code: "store-unavailable", cause });
    },
  );

  it.each([403, 404, 412])(
    "takes an answer %i that breaks off for an unavailable store, not for what it was to say",
    (status) => {
      const broken = Object.assign(new Error("aborted"), { code: "ECONNRESET", $metadata: { httpStatusCode: status } });
      for (const isRead of [true, false]) {
        expect(toStoreError(broken, { ...target, isRead })).toMatchObject({ code: "store-unavailable" });
      }
    },
  );

  it("takes missing credentials for refused access", () => {
    const cause = Object.assign(new Error("no credentials found"), { name: "CredentialsProviderError" });
    expect(toStoreError(cause, target)).toMatchObject({ code: "access-denied" });
  });

  it("takes a wrong clock for an unavailable store, since the client corrects it by the answer", () => {
    const cause = Object.assign(new Error("too far apart"), {
      name: "RequestTimeTooSkewed",
      $metadata: { httpStatusCode: 403 },
    });
    for (const isRead of [true, false]) {
      expect(toStoreError(cause, { ...target, isRead })).toMatchObject({ code: "store-unavailable" });
    }
  });

  it("leaves our own errors and our own defects as they are", () => {
    const ours = new FruitstreamError("too-large", "the object is too large");
    const defect = new TypeError("undefined is not a function");
    expect(toStoreError(ours, target)).toBe(ours);
    expect(toStoreError(defect, target)).toBe(defect);
    expect(toStoreError(ours, { ...target, isRead: true })).toBe(ours);
  });

  it("blames the object for what was thrown before a read was sent", () => {
    const cause = new TypeError("invalid character in header");
    expect(toStoreError(cause, { ...target, isRead: true })).toMatchObject({ code: "unreadable-object", cause });
  });
});
