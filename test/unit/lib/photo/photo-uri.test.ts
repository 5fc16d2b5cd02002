import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FILE_BUCKET, fileOfLocation, keyOfFile, photoUri } from "#lib/photo/photo-uri.ts";

test.each(["/home/me/apples/1.jpg", "/home/me/Äpfel (rot)/100 %#1.jpg"])("a file's URI opens it: %s", (path) => {
  const location = { bucket: FILE_BUCKET, key: keyOfFile(path) };
  expect(fileOfLocation(location)).toBe(path);
  expect(photoUri(location)).toMatch(/^file:\/\/\/home\/me\/\S+$/);
  expect(fileURLToPath(photoUri(location))).toBe(path);
});

test("a photo on S3 has the URI of its object, whatever its bucket is called", () => {
  const location = { bucket: "local", key: "photos/1.jpg" };
  expect(fileOfLocation(location)).toBeUndefined();
  expect(photoUri(location)).toBe("s3://local/photos/1.jpg");
});
