import type { ErrorCode } from "#lib/runtime/errors.ts";
import type { DecodedPhoto, DecodeOptions } from "./decode-photo.ts";

/** To a decoder process. */
export interface DecodeJob {
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly options: DecodeOptions;
}

/** From a decoder process: the photo, or the error that makes it a dead letter. */
export type DecodeAnswer =
  | { readonly id: number; readonly photo: DecodedPhoto }
  | { readonly id: number; readonly refusal: { readonly code: ErrorCode; readonly message: string } };
