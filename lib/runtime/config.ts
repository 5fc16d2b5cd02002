import { z } from "zod";
import { FruitstreamError } from "./errors.ts";
import { describeUnknownSettings, type SettingName } from "./setting-names.ts";

/**
 * One setting: the environment variable that holds it as text, and its type, which decodes that text, checks it, and
 * encodes the value again. Default and description are the type's.
 */
export interface Setting<Type extends z.ZodType = z.ZodType> {
  readonly name: SettingName;
  readonly type: Type;
}

/** Settings by their field in the typed configuration: the variable's name in camel case, without a service's prefix. */
export type ConfigShape = Readonly<Record<string, Setting>>;

/** What a shape reads. */
export type ConfigOf<Shape extends ConfigShape> = {
  readonly [Field in keyof Shape]: z.output<Shape[Field]["type"]>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export function setting<Type extends z.ZodType<unknown, string | undefined>>(
  name: SettingName,
  type: Type,
): Setting<Type> {
  return { name, type };
}

/**
 * Reads a configuration from the environment, once, at the edge of a program. An empty variable counts as unset.
 *
 * @param given fields that the caller decides; their variables are not read.
 * @throws invalid-config with one sentence per variable that is wrong: its name, the rule, and the value it had; also
 * for each variable that looks like a setting of the project, of whatever service, and is none. Secrets are not shown.
 */
export function readConfig<Shape extends ConfigShape>(
  shape: Shape,
  env: Environment,
  given: Partial<ConfigOf<Shape>> = {},
): ConfigOf<Shape> {
  const problems = describeUnknownSettings(env);
  const values: Record<string, unknown> = {};
  for (const [field, { name, type }] of Object.entries(shape)) {
    const isGiven = field in given;
    const text = env[name] || undefined;
    const result = isGiven ? type.safeEncode(given[field]) : type.safeDecode(text);
    if (result.success) values[field] = isGiven ? given[field] : result.data;
    else problems.push(describeProblem(name, isGiven ? given[field] : text, result.error));
  }
  if (problems.length > 0) throw new FruitstreamError("invalid-config", problems.join("; "));
  return values as ConfigOf<Shape>;
}

/**
 * The variables from which `readConfig` reads the values again: the environment of a child process. Fields that are
 * undefined become empty variables, so that the child does not inherit another value.
 *
 * @throws invalid-config when a value breaks its setting's rule.
 */
export function toEnv<Shape extends ConfigShape>(
  shape: Shape,
  values: Partial<ConfigOf<Shape>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [field, { name, type }] of Object.entries(shape)) {
    if (!(field in values)) continue;
    const result = type.safeEncode(values[field]);
    if (!result.success) {
      throw new FruitstreamError("invalid-config", describeProblem(name, values[field], result.error));
    }
    env[name] = (result.data as string | undefined) ?? "";
  }
  return env;
}

/** The value of a setting that has a default. */
export function defaultOf<Type extends z.ZodType>({ type }: Setting<Type>): z.output<Type> {
  return type.parse(undefined);
}

/** A whole number within stated bounds. */
export function wholeNumber(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  const text = z.string().regex(/^-?\d+$/, rule);
  return z.codec(text, z.number().min(min, rule).max(max, rule), { decode: Number, encode: String });
}

/** An http or https URL. */
export const httpUrl = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), "must be an http(s) URL");

/** A text that says something: empty counts as unset. */
export const someText = z.string().min(1, "must not be empty");

function describeProblem(name: SettingName, value: unknown, error: z.ZodError): string {
  if (value === undefined) return `${name} is not set; it has no default`;
  const rule = `${name} ${error.issues[0]!.message}`;
  return /SECRET|ACCESS_KEY/.test(name) ? rule : `${rule}, got ${withoutCredentials(JSON.stringify(value))}`;
}

/** A URL may hold a password. */
function withoutCredentials(text: string): string {
  return text.replaceAll(/\/\/[^/@\s"]*@/g, "//[secret]@");
}
