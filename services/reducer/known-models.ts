import { z } from "zod";
import { MODEL_ID } from "#lib/messages/message-bounds.ts";

/** Values of the longest vectors that a reducer can be told to take: their moments have 1.1 GB. */
export const VECTOR_VALUES_MAX = 16_384;

/** Models whose vectors are taken, with how many values each has. */
export type KnownModels = ReadonlyMap<string, number>;

/** `fruitnet-0123456789ab=64,…`: ids and lengths as `fruitstream models list` prints them. */
export const knownModelsSetting = z.codec(z.string(), z.map(z.string(), z.number()).readonly(), {
  decode: (text, { issues }) => {
    const models = parseKnownModels(text);
    if (models) return models;
    const message = "must be MODEL=VALUES, several separated by commas, each model once, as fruitnet-0123456789ab=64";
    issues.push({ code: "custom", message, input: text });
    return z.NEVER;
  },
  encode: (models) => [...models].map(([model, values]) => `${model}=${values}`).join(","),
});

function parseKnownModels(text: string): Map<string, number> | undefined {
  const parts = text.split(",").map((part) => /^(.+)=(\d{1,5})$/.exec(part.trim()));
  const models = new Map(parts.map((part) => [part?.[1] ?? "", Number(part?.[2])]));
  const isSound = [...models].every(
    ([model, values]) => MODEL_ID.test(model) && values >= 1 && values <= VECTOR_VALUES_MAX,
  );
  return isSound && models.size === parts.length ? models : undefined;
}
