import { writeFileSync } from "node:fs";
import { type FruitstreamError, fateOf } from "#lib/runtime/errors.ts";
import { checkPhoto } from "./check-photo.ts";
import { decodePhoto } from "./decode-photo.ts";
import type { DecodeAnswer, DecodeJob } from "./decoder-messages.ts";

/** A decoder: takes one photo at a time from its parent, answers with its pixels or with why there are none. */
process.on("message", (job: DecodeJob) => void answer(job));
process.on("disconnect", () => process.exit());

// Where a container runs out of memory, the kernel is to end the decoder and not the featurizer.
try {
  writeFileSync("/proc/self/oom_score_adj", "1000");
} catch {
  // Not Linux, or not allowed: then the limits of the parent remain.
}

async function answer({ id, bytes, options }: DecodeJob): Promise<void> {
  process.send!(await outcome(id, bytes, options));
}

async function outcome(id: number, bytes: Uint8Array, options: DecodeJob["options"]): Promise<DecodeAnswer> {
  try {
    // Nobody else waits for this process.
    const checked = checkPhoto(bytes, options.limits, false);
    return { id, photo: await decodePhoto(bytes, options, checked) };
  } catch (error) {
    if (fateOf(error) !== "dead-letter") throw error;
    const { code, message } = error as FruitstreamError;
    return { id, refusal: { code, message } };
  }
}
