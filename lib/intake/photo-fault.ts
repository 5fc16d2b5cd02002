import { deadLetterReasonOf } from "#lib/runtime/errors.ts";

/** Why one photo, or one folder, could not be taken while the rest can. It is told to a person and counted. */
export class PhotoFault extends Error {
  override readonly name = "PhotoFault";

  /** @param subject the path or the address of what could not be taken. */
  constructor(subject: string, problem: string, options?: { cause?: unknown }) {
    super(`${shown(subject)}: ${problem}`, options);
  }
}

/** In quotes, with what can't be seen as an escape. */
function shown(text: string): string {
  const escaped = (character: string) => `\\u{${character.codePointAt(0)!.toString(16)}}`;
  return `"${text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)}"`;
}

/** Told of each photo or folder that could not be taken. */
export type OnFault = (fault: PhotoFault) => void;

/** A person reads so many; what comes after them is counted. */
const NOTED_MAX = 100;

/** Tells a person of the first faults. */
export function notingFaults(note: (line: string) => void): OnFault {
  let faults = 0;
  return ({ message }) => {
    faults += 1;
    if (faults <= NOTED_MAX) note(`not taken: ${message}`);
    if (faults === NOTED_MAX) note("what else can't be taken is counted and not named");
  };
}

/** An error as a fault of the subject alone; undefined where it is not the subject's, so that nothing can go on. */
export function photoFaultOf(error: unknown, subject: string): PhotoFault | undefined {
  if (error instanceof PhotoFault) return error;
  if (deadLetterReasonOf(error) === undefined) return undefined;
  return new PhotoFault(subject, (error as Error).message, { cause: error });
}
