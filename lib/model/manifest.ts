import { z } from "zod";
import { FruitstreamError } from "../runtime/errors.ts";

/** What `model.json` says about a model, checked. Nothing about a model is in code. */
export type ModelManifest = z.infer<typeof manifestSchema>;
export type ResizePolicy = ModelManifest["input"]["resize"];
export type Scaling = ModelManifest["scaling"];
export type ScoreKind = NonNullable<ModelManifest["outputs"]["classes"]>["kind"];

/**
 * Reads a manifest from the text of a `model.json`.
 *
 * @param path names the file in messages.
 * @throws invalid-model naming every field that is wrong, missing or unknown.
 */
export function parseManifest(text: string, path: string): ModelManifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FruitstreamError("invalid-model", `${path} must be JSON: ${String(cause)}`, { cause });
  }
  const result = manifestSchema.safeParse(json);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path: field, message }) => `${field.join(".") || "the file"}: ${message}`);
  throw new FruitstreamError("invalid-model", `${path} is no model manifest; ${faults.join("; ")}`);
}

const side = z.int().min(1).max(4096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const tensorName = z.string().min(1);

const inputSchema = z
  .strictObject({
    name: tensorName.describe("The ONNX input that takes the batch; float32, with a free first dimension."),
    width: side.describe("Pixels."),
    height: side.describe("Pixels."),
    layout: z.enum(["NCHW", "NHWC"]).describe("The order of the input's axes: N photos, C channels, height, width."),
    channelOrder: z.enum(["RGB", "BGR"]).describe("The order along the channel axis."),
    resize: z
      .union([
        z.literal("stretch"),
        z.strictObject({ shorterSide: side, centreCrop: z.literal(true) }).describe("Pixels of the shorter side."),
      ])
      .describe(
        "How a photo comes to width x height, by Pillow's bicubic: `stretch` ignores its aspect ratio; the other keeps" +
          " it, brings the shorter side to that many pixels and keeps the middle width x height.",
      ),
  })
  .refine(
    ({ width, height, resize }) => resize === "stretch" || resize.shorterSide >= Math.max(width, height),
    "resize.shorterSide must be at least width and height, or the crop would reach outside the photo",
  );

const manifestSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -, since it names folders and partitions")
      .describe("The model's name; with the content's hash it makes the model id."),
    onnx: z.string().min(1).describe("The ONNX file's path, relative to the folder; it may point outside."),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits")
      .optional()
      .describe("The ONNX file's SHA-256. Verified when given."),
    input: inputSchema,
    scaling: z
      .union([
        z.enum(["x/127.5-1", "x/255", "none"]),
        z.strictObject({
          mean: channels,
          std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
        }),
      ])
      .describe(
        "What a byte x of 0…255 becomes; `mean` and `std`, in the order R, G, B, stand for (x/255 - mean)/std.",
      ),
    outputs: z.strictObject({
      features: tensorName.describe("The ONNX output that holds the feature vectors; float32 [N, dimension]."),
      classes: z
        .strictObject({
          name: tensorName.describe("The ONNX output that holds one value per class; float32 [N, labels]."),
          kind: z.enum(["logits", "probabilities"]).describe("Whether the values still need a softmax."),
        })
        .optional()
        .describe("Missing for a model that has no classes."),
    }),
    labels: z
      .string()
      .min(1)
      .optional()
      .describe("A text file with one label per line, in the order of the classes; path relative to the folder."),
    topK: z.int().min(1).max(100).default(5).describe("How many of the best labels a prediction keeps."),
    source: z.url().describe("Where the ONNX file, or what it was made from, was published."),
    licence: z.string().min(1).describe("The licence of the weights, as an SPDX expression where there is one."),
  })
  .refine(({ outputs, labels }) => (outputs.classes === undefined) === (labels === undefined), {
    error: "outputs.classes and labels go together: give both or neither",
    path: ["labels"],
  });
