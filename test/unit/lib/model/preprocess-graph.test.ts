import { describe, expect, test } from "vitest";
import type { ModelManifest } from "#lib/model/manifest.ts";
import { openOnnxSession } from "#lib/model/onnx-session.ts";
import { encodePreprocessGraph } from "#lib/model/preprocess-graph.ts";
import { resizeBands } from "#lib/model/resize-bands.ts";
import { resizeGeometry } from "#lib/model/resize-geometry.ts";
import { resizeWeights } from "#lib/model/resize-weights.ts";

type Model = Pick<ModelManifest, "input" | "scaling">;

const WIDTH = 5;
const HEIGHT = 4;
const input: ModelManifest["input"] = {
  name: "input",
  width: WIDTH,
  height: HEIGHT,
  layout: "NCHW",
  channelOrder: "RGB",
  resize: "stretch",
};

describe("the preprocessing graph", () => {
  test.each([
    { width: 3, height: 2, what: "enlarges" },
    { width: 11, height: 9, what: "shrinks" },
    { width: 3, height: 13, what: "enlarges one axis and shrinks the other" },
    { width: WIDTH, height: HEIGHT, what: "keeps" },
  ])("$what a photo of $width x $height as two rounded passes do", async ({ width, height }) => {
    const photo = checkered(width, height);
    const actual = await preprocess({ input, scaling: "none" }, photo, width, height);
    expect(actual).toEqual(Float32Array.from(naiveResize(photo, width, height)));
  });

  test.each([
    { scaling: "none" as const, expected: [200, 100, 51] },
    { scaling: "x/255" as const, expected: [200 / 255, 100 / 255, 0.2] },
    { scaling: "x/127.5-1" as const, expected: [200 / 127.5 - 1, 100 / 127.5 - 1, -0.6] },
    {
      scaling: { mean: [0.5, 0.4, 0.3], std: [0.1, 0.2, 0.5] } as ModelManifest["scaling"],
      expected: [(200 / 255 - 0.5) / 0.1, (100 / 255 - 0.4) / 0.2, -0.2],
    },
  ])("scales by $scaling", async ({ scaling, expected }) => {
    const photo = Uint8Array.from({ length: 3 * 7 * 6 }, (_, index) => [200, 100, 51][index % 3]!);
    const actual = await preprocess({ input, scaling }, photo, 7, 6);
    for (const [channel, value] of expected.entries()) {
      const plane = actual.subarray(channel * WIDTH * HEIGHT, (channel + 1) * WIDTH * HEIGHT);
      for (const pixel of plane) expect(pixel).toBeCloseTo(value, 5);
    }
  });

  // The bytes of Pillow 13's ImageOps.pad(photo, (5, 4), BICUBIC, color=(114, 7, 255)), row by row.
  test.each([
    {
      width: 7,
      height: 3,
      expected:
        "7207ff7207ff7207ff7207ff7207ff7f635757a35fa1e0af9c9ebc2093d5c11c5a894770868138ad5db07a4c9d7207ff7207ff7207ff7207ff7207ff",
    },
    {
      width: 3,
      height: 5,
      expected:
        "7207ff7207ff558c3f16b6897207ff7207ff7207ffacd8fda168817207ff7207ff7207ff8c8d76d19c8a7207ff7207ff7207ff7961cc6971697207ff",
    },
    {
      width: 10,
      height: 9,
      expected:
        "6886867799ba685b80ad64757207ff79857a947b637783724ca6947207ffafc56a8b65636fa7a2ad7aab7207ff9d9d6a4567a35ab18e8bb54c7207ff",
    },
  ])("letterboxes a photo of $width x $height as Pillow does", async ({ width, height, expected }) => {
    const resize = { letterbox: true as const, padColour: [114, 7, 255] as [number, number, number] };
    const model: Model = { input: { ...input, layout: "NHWC", resize }, scaling: "none" };
    const actual = await preprocess(model, checkered(width, height), width, height);
    expect(Buffer.from(actual).toString("hex")).toBe(expected);
  });

  test("gives BGR and NHWC when the model asks for them", async () => {
    const photo = checkered(WIDTH, HEIGHT);
    const model: Model = { input: { ...input, layout: "NHWC", channelOrder: "BGR" }, scaling: "none" };
    const expected = Float32Array.from(photo, (_, index) => photo[index - (index % 3) + (2 - (index % 3))]!);
    expect(await preprocess(model, photo, WIDTH, HEIGHT)).toEqual(expected);
  });

  test("subtracts a channel's mean before it swaps the channels", async () => {
    const scaling = { mean: [0, 0, 1], std: [1, 1, 1] } as ModelManifest["scaling"];
    const white = new Uint8Array(3 * WIDTH * HEIGHT).fill(255);
    const actual = await preprocess({ input: { ...input, channelOrder: "BGR" }, scaling }, white, WIDTH, HEIGHT);
    expect([actual[0], actual[WIDTH * HEIGHT], actual[2 * WIDTH * HEIGHT]]).toEqual([0, 1, 1]);
  });
});

async function preprocess(model: Model, photo: Uint8Array, width: number, height: number): Promise<Float32Array> {
  const session = await openOnnxSession(encodePreprocessGraph(model), 1);
  const { horizontal, vertical } = resizeGeometry(model.input, { width, height }, { width, height });
  const { bands, reach, weights: bandWeights, pixels } = resizeBands(vertical);
  const feeds = {
    photo: { data: photo, shape: [height, width, 3] },
    horizontal: { data: resizeWeights(horizontal), shape: [WIDTH, width] },
    vertical: { data: bandWeights, shape: [bands, HEIGHT / bands, reach] },
    "vertical pixels": { data: pixels, shape: [bands, reach] },
  };
  const results = await session.run(feeds, ["input"]);
  await session.release();
  return results.input!.data as Float32Array;
}

/** Pixel by pixel, channel planes first: along the rows, rounded and clipped, then along the columns, again. */
function naiveResize(photo: Uint8Array, width: number, height: number): number[] {
  const horizontal = weights(width, WIDTH);
  const vertical = weights(height, HEIGHT);
  const toByte = (value: number) => Math.min(Math.max(Math.round(value), 0), 255);
  const sum = (count: number, term: (index: number) => number) =>
    Array.from({ length: count }, (_, index) => term(index)).reduce((a, b) => a + b, 0);
  const narrow = (x: number, y: number, channel: number) =>
    toByte(sum(width, (from) => horizontal[x * width + from]! * photo[3 * (y * width + from) + channel]!));
  return [0, 1, 2].flatMap((channel) =>
    Array.from({ length: HEIGHT }, (_, y) =>
      Array.from({ length: WIDTH }, (_, x) =>
        toByte(sum(height, (from) => vertical[y * height + from]! * narrow(x, from, channel))),
      ),
    ).flat(),
  );
}

function weights(sourceSize: number, targetSize: number): Float32Array {
  const part = { start: 0, size: sourceSize };
  return resizeWeights({ sourceSize, resizedSize: targetSize, cropOffset: 0, targetSize, part });
}

/** Strong contrasts, so that the kernel overshoots and clipping matters; irregular, so that no sum ends in one half. */
function checkered(width: number, height: number): Uint8Array {
  return Uint8Array.from(
    { length: 3 * width * height },
    (_, index) => Math.floor(1e4 * Math.sin(index + 1) ** 3) & 255,
  );
}
