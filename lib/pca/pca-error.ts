/**
 * What was wrong:
 * - `bad-input`: a shape, a count or a value that the numerics can't work with;
 * - `corrupt-bytes`: encoded bytes that are truncated, altered or of another format;
 * - `other-subject`: sound bytes, but of another model, run or dimension than asked for.
 */
export type PcaErrorCode = "bad-input" | "corrupt-bytes" | "other-subject";

/** The only error that this folder throws on purpose; what becomes of the work is the caller's to decide. */
export class PcaError extends Error {
  readonly code: PcaErrorCode;

  constructor(code: PcaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "PcaError";
    this.code = code;
  }
}
