import { afterAll, describe, expect, test } from "vitest";
import { openPhotoModel } from "#lib/model/inference/photo-model.ts";
import type { ModelFolder } from "#lib/model/model-folder.ts";
import { greyPhoto, TinyModel, tinyDimension } from "./tiny-model.ts";

const classes = { name: "features", kind: "logits" } as const;
const labels = Array.from({ length: tinyDimension }, (_, index) => `label ${index}`);
const plain = new TinyModel();
const classifier = new TinyModel({ labels, outputs: { features: "features", classes } });
afterAll(() => {
  plain.remove();
  classifier.remove();
});

describe("openPhotoModel", () => {
  test("names the classes of a model that has some", async () => {
    const model = await openPhotoModel(classifier.model, 2);
    const [outcome] = await model.infer([greyPhoto(3)]);
    await model.release();
    expect(outcome).toMatchObject({
      vector: {
        predictions: [{ label: "label 0", score: expect.closeTo(1 / tinyDimension, 6) }, { label: "label 1" }],
      },
    });
  });

  test("sees the same in the part of a photo that the crop reaches as in the whole", async () => {
    const resize = { shorterSide: 4, centreCrop: true } as const;
    const input = { ...plain.model.manifest.input, resize };
    const model = await openPhotoModel(withManifest(plain.model, { input }), 1);
    const size = { width: 90, height: 6 };
    const whole = Uint8Array.from({ length: 3 * 90 * 6 }, (_, index) => 1 + ((index * 7919) % 251));
    // Of 60 columns that a height of 4 leaves, 28 to 31 are kept; they reach from 40 to 49 of 90.
    const [left, width] = [40, 10];
    const part = Buffer.concat(
      Array.from({ length: 6 }, (_, row) => whole.subarray(3 * (row * 90 + left), 3 * (row * 90 + left + width))),
    );
    const photo = { pixels: whole, ...size, photoWidth: 90, photoHeight: 6 };

    const [expected] = await model.infer([photo]);
    const [actual] = await model.infer([{ ...photo, pixels: part, width, partOf: { ...size, left, top: 0 } }]);
    await model.release();

    expect(actual).toEqual(expected);
  });

  test.each<{ field: string; change: (model: ModelFolder) => ModelFolder }>([
    {
      field: 'input.name is "y"',
      change: (model) => withManifest(model, { input: { ...model.manifest.input, name: "y" } }),
    },
    { field: 'outputs.features is "f"', change: (model) => withManifest(model, { outputs: { features: "f" } }) },
    {
      field: 'outputs.classes.name is "c"',
      change: (model) => withManifest(model, { outputs: { features: "features", classes: { ...classes, name: "c" } } }),
    },
    {
      field: "does not take a batch of 5 x 4",
      change: (model) => withManifest(model, { input: { ...model.manifest.input, width: 5 } }),
    },
    { field: '"dimension" is 7', change: (model) => withManifest(model, { dimension: 7 }) },
    {
      field: "2 labels",
      change: (model) => ({
        ...withManifest(model, { outputs: { features: "features", classes } }),
        labels: ["a", "b"],
      }),
    },
  ])("refuses a manifest that disagrees with the graph: $field", async ({ field, change }) => {
    const opening = openPhotoModel(change(plain.model), 4);
    await expect(opening).rejects.toMatchObject({ code: "invalid-model", message: expect.stringContaining(field) });
  });
});

function withManifest(model: ModelFolder, change: Partial<ModelFolder["manifest"]>): ModelFolder {
  return { ...model, manifest: { ...model.manifest, ...change } };
}
