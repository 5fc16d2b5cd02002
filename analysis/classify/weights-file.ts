import { readFile } from "node:fs/promises";
import { z } from "zod";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { LinearClassifier } from "./learning/linear-classifier.ts";

/** What a `weights.json` says that is needed to predict by it. */
export interface Weights {
  readonly model: string;
  /** The table it was trained on; its bases are those of `pca_features`. */
  readonly table: string;
  readonly features: "features" | "pca_features";
  /** The basis of `pca_features`; null for `features`. */
  readonly pcaVersion: number | null;
  readonly classifier: LinearClassifier;
}

/**
 * Reads what `classify --out` has written as `weights.json`.
 *
 * @throws usage when there is no such file, or it is another.
 */
export async function readWeights(path: string): Promise<Weights> {
  const text = await readFile(path, "utf8").catch((cause) => {
    throw new FruitstreamError("usage", `--weights "${path}" can't be read (${cause.message})`, { cause });
  });
  const parsed = weightsShape.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const problem = `${issue!.path.join(".") || "the file"}: ${issue!.message}`;
    const remedy = "name a weights.json that classify --out has written";
    throw new FruitstreamError("usage", `--weights "${path}" holds no weights (${problem}); ${remedy}`);
  }
  const { mean, factors, machines, classes, ...origin } = parsed.data;
  const standardisation = { mean: Float64Array.from(mean), factors: Float64Array.from(factors) };
  const trained = machines.map(({ weights, ...machine }) => ({ ...machine, weights: Float64Array.from(weights) }));
  return { ...origin, classifier: { classes, standardisation, machines: trained } };
}

const vector = z.array(z.number()).min(1);
const weightsShape = z
  .object({
    table: z.string(),
    model: z.string(),
    features: z.enum(["features", "pca_features"]),
    pcaVersion: z.number().int().nullable(),
    classes: z.array(z.string()).min(2),
    mean: vector,
    factors: vector,
    machines: z.array(z.object({ bias: z.number(), passes: z.number(), converged: z.boolean(), weights: vector })),
  })
  .refine(({ classes, machines }) => machines.length === (classes.length === 2 ? 1 : classes.length), {
    message: "must be one machine for two classes, else one for each class",
    path: ["machines"],
  })
  .refine(
    ({ mean, factors, machines }) =>
      [factors, ...machines.map((one) => one.weights)].every((other) => other.length === mean.length),
    {
      message: "must have as many values as mean",
      path: ["factors or weights"],
    },
  )
  .refine(({ features, pcaVersion }) => (features === "pca_features") === (pcaVersion !== null), {
    message: "must be given for pca_features, and for nothing else",
    path: ["pcaVersion"],
  });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
