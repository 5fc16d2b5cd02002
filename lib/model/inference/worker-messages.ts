import type { DecodedPhoto } from "#lib/photo/decode-photo.ts";
import type { ErrorCode } from "#lib/runtime/errors.ts";
import type { ModelFolder } from "../model-folder.ts";
import type { InferenceCpu, PhotoOutcome } from "./photo-model.ts";

/** What a worker is started with. It answers with `ready` or `failed`. */
export interface WorkerSetup {
  readonly model: ModelFolder;
  readonly batchPhotosMax: number;
}

/** A batch is answered with `outcomes` or `failed`, close by the thread's end. One request at a time. */
export type WorkerRequest =
  | { readonly kind: "batch"; readonly photos: readonly DecodedPhoto[] }
  | { readonly kind: "close" };

export type WorkerReply =
  | { readonly kind: "ready"; readonly featureDimension: number }
  | { readonly kind: "outcomes"; readonly outcomes: readonly PhotoOutcome[]; readonly cpu: InferenceCpu }
  | { readonly kind: "failed"; readonly code: ErrorCode; readonly message: string };
