import { z } from "zod";
import { FruitstreamError } from "./errors.ts";

/** A service's configuration: environment variable by name, each with its type, default, bound and description. */
export type ConfigShape = Record<string, z.ZodType>;

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a service's configuration from the environment. An empty variable counts as unset.
 *
 * @param ownPrefix prefix of the variables that only this service has, as `FEATURIZER_`: one that begins so and that
 * the shape does not know is refused, since it is most likely a misspelt name whose value would be ignored.
 * @throws invalid-config with one sentence per variable that is wrong: its name, the rule, and the value it had.
 */
export function readConfig<Shape extends ConfigShape>(
  shape: Shape,
  env: Environment,
  ownPrefix: string,
): z.infer<z.ZodObject<Shape>> {
  const unknown = Object.keys(env).filter((name) => name.startsWith(ownPrefix) && !(name in shape));
  const known = Object.keys(shape).filter((name) => env[name] !== undefined && env[name] !== "");
  const result = z.object(shape).safeParse(Object.fromEntries(known.map((name) => [name, env[name]])));

  const problems = unknown.map((name) => `${name} is not a setting; remove it or correct its name`);
  for (const issue of result.error?.issues ?? []) problems.push(describeProblem(issue, env));
  if (problems.length > 0 || !result.data) throw new FruitstreamError("invalid-config", problems.join("; "));
  return result.data;
}

/** A whole number within stated bounds. */
export function wholeNumber(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, rule)
    .transform(Number)
    .pipe(z.number().min(min, rule).max(max, rule));
}

/** An http or https URL. */
export const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "must be an http(s) URL");

function describeProblem(issue: z.core.$ZodIssue, env: Environment): string {
  const name = String(issue.path[0]);
  const value = env[name];
  if (value === undefined || value === "") return `${name} is not set; it has no default`;
  return /SECRET|PASSWORD|ACCESS_KEY/.test(name)
    ? `${name} ${issue.message}`
    : `${name} ${issue.message}, got ${JSON.stringify(value)}`;
}
