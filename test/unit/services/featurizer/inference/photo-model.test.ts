import { afterAll, describe, expect, test } from "vitest";
import type { ModelFolder } from "../../../../../lib/model/model-folder.ts";
import { openPhotoModel } from "../../../../../services/featurizer/inference/photo-model.ts";
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
