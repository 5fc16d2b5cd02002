import { InvalidArgumentError } from "commander";

/**
 * Reads an option or argument that is a whole number within bounds, both included.
 *
 * @returns a parser for commander, which names the option when the parser throws.
 */
export function wholeNumberOption(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}`);
  };
}
