import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { describe, expect, it } from "vitest";
import { resolvePlace } from "#lib/store/s3/s3-place.ts";

describe("resolvePlace", () => {
  it.each<[string, S3ClientConfig, string, object]>([
    [
      "AWS by virtual host",
      { region: "eu-west-3" },
      "photos",
      { origin: "https://photos.s3.eu-west-3.amazonaws.com", path: "/", region: "eu-west-3" },
    ],
    [
      "AWS in China",
      { region: "cn-north-1" },
      "photos",
      { origin: "https://photos.s3.cn-north-1.amazonaws.com.cn", path: "/" },
    ],
    [
      "a bucket whose name is no host",
      { region: "eu-west-3" },
      "my.photos",
      { origin: "https://s3.eu-west-3.amazonaws.com", path: "/my.photos/" },
    ],
    [
      "a server of one's own",
      { region: "us-east-1", endpoint: "http://127.0.0.1:9000/base", forcePathStyle: true },
      "photos",
      { origin: "http://127.0.0.1:9000", host: "127.0.0.1:9000", hostname: "127.0.0.1", path: "/base/photos/" },
    ],
  ])("%s", async (_, config, bucket, place) => {
    expect(await resolvePlace(new S3Client(config), bucket)).toMatchObject(place);
  });

  it.each([
    ["a name that no bucket can have", "arn:nothing"],
    ["a directory bucket, which has sessions instead of signatures", "photos--use1-az4--x-s3"],
  ])("has none for %s", async (_, bucket) => {
    expect(await resolvePlace(new S3Client({ region: "us-east-1" }), bucket)).toBeUndefined();
  });
});
