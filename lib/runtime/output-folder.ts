import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { FruitstreamError } from "./errors.ts";

/**
 * Makes a folder that a person named for what a command writes, and those above it.
 *
 * @param option the option that named it, for the error.
 * @throws usage when there can be no such folder, or it can't be written.
 */
export async function makeOutputFolder(path: string, option: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const problem = `${option} must be a folder that can be written, got "${path}" (${(cause as Error).message})`;
    throw new FruitstreamError("usage", problem, { cause });
  }
}
