import { z } from "zod";

/** A run's name: it is a part of folder names, of consumer groups and of every row. */
export const runName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores");
