import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";

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

/** The JSON Schema of `model.json`, for editors: the text of `schemas/model.schema.json`. */
export function manifestJsonSchema(): string {
  const schema = z.toJSONSchema(manifestSchema, { io: "input" });
  return `${JSON.stringify({ ...schema, title: "Fruitstream model manifest" }, undefined, 2)}\n`;
}

const side = z.int().min(1).max(4096);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const tensorName = z.string().min(1);
const byte = z.int().min(0).max(255);

const inputSchema = z
  .strictObject({
    name: tensorName
      .optional()
      .describe(
        "The ONNX input that takes the batch; float32, with a free first dimension. The graph's only one when not given.",
      ),
    width: side.describe("Pixels."),
    height: side.describe("Pixels."),
    layout: z.enum(["NCHW", "NHWC"]).describe("The order of the input's axes: N photos, C channels, height, width."),
    channelOrder: z.enum(["RGB", "BGR"]).describe("The order along the channel axis."),
    colour: z
      .enum(["srgb", "as-stored"])
      .optional()
      .describe(
        "`srgb`, when not given: colours are converted from the photo's ICC profile or code points. `as-stored` takes the" +
          " numbers as they are, as Pillow and TensorFlow jobs do unless told otherwise.",
      ),
    resize: z
      .union([
        z.literal("stretch"),
        z.strictObject({ shorterSide: side, centreCrop: z.literal(true) }).describe("Pixels of the shorter side."),
        z
          .strictObject({ letterbox: z.literal(true), padColour: z.tuple([byte, byte, byte]) })
          .describe("The colour around the photo: R, G, B before scaling."),
      ])
      .describe(
        "How a photo comes to width x height, by Pillow's bicubic: `stretch` ignores its aspect ratio; `shorterSide`" +
          " keeps it, brings the shorter side to that many pixels and keeps the middle width x height; `letterbox` keeps" +
          " it, brings the whole photo inside width x height and pads it evenly, as Pillow's `ImageOps.pad`.",
      ),
  })
  .refine(
    ({ width, height, resize }) =>
      resize === "stretch" || !("shorterSide" in resize) || resize.shorterSide >= Math.max(width, height),
    "resize.shorterSide must be at least width and height, or the crop would reach outside the photo",
  );

const downloadSchema = z
  .strictObject({
    url: z.url({ protocol: /^https?$/ }).describe("Where `fruitstream models fetch` gets the ONNX file."),
    bytes: z.int().min(1).describe("Its size, checked after the download."),
  })
  .describe("For a file that doesn't come with its folder; needs `sha256`.");

const outputsSchema = z.strictObject({
  features: tensorName
    .optional()
    .describe(
      "The ONNX output that holds the feature vectors; float32 [N, dimension]. When not given, the graph is cut where" +
        " its classifier begins.",
    ),
  classes: z
    .strictObject({
      name: tensorName
        .optional()
        .describe(
          "The ONNX output that holds one value per class; float32 [N, labels]. When not given, the only output there" +
            " is beside the features.",
        ),
      kind: z.enum(["logits", "probabilities"]).describe("Whether the values still need a softmax."),
    })
    .optional()
    .describe("Missing for a model that has no classes."),
});

const manifestSchema = z
  .strictObject({
    $schema: z
      .string()
      .optional()
      .describe("Where an editor finds this schema: a path or URL of model.schema.json. Fruitstream ignores it."),
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 . _ -, since it names folders and partitions")
      .describe("The model's name; with the content's hash it makes the model id."),
    onnx: z.string().min(1).describe("The ONNX file's path, relative to the folder; it may point outside."),
    download: downloadSchema.optional(),
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
    preprocessingVersion: z
      .literal(1)
      .default(1)
      .describe(
        "How `input` and `scaling` are computed, down to the rounding. A release that computes them otherwise gets a" +
          " new number, so that vectors of both are not mixed.",
      ),
    outputs: outputsSchema,
    dimension: z.int().min(1).max(65_536).optional().describe("The length of a feature vector. Verified when given."),
    labels: z
      .string()
      .min(1)
      .optional()
      .describe("A text file with one label per line, in the order of the classes; path relative to the folder."),
    topK: z.int().min(1).max(100).default(5).describe("How many of the best labels a prediction keeps."),
    source: z
      .url()
      .optional()
      .describe("Where the ONNX file, or what it was made from, was published. Private models have none."),
    licence: z
      .string()
      .min(1)
      .optional()
      .describe("The licence of the weights, as an SPDX expression where there is one."),
  })
  .refine(({ outputs, labels }) => (outputs.classes === undefined) === (labels === undefined), {
    error: "outputs.classes and labels go together: give both or neither",
    path: ["labels"],
  })
  .refine(({ download, sha256 }) => download === undefined || sha256 !== undefined, {
    error: "must be given with download, which is checked against it",
    path: ["sha256"],
  });
