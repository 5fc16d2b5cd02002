import type { ModelFolder } from "#lib/model/model-folder.ts";

/** What a raw thread is started with. It answers "ready" once its network is warm. */
export interface RawSetup {
  readonly model: ModelFolder;
  readonly batchPhotos: number;
  /** Threads of ONNX Runtime inside this thread's session. */
  readonly threads: number;
}

/** Asks for one measurement; a duration of 0 ends the thread. */
export interface RawRequest {
  readonly durationMs: number;
}

export interface RawResult {
  readonly photos: number;
  readonly seconds: number;
}
