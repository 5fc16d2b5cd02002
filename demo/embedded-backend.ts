import { rm } from "node:fs/promises";
import { join } from "node:path";
import { announceFolder } from "#lib/intake/announce-folder.ts";
import { notingFaults } from "#lib/intake/photo-fault.ts";
import { FolderRecordLog } from "#lib/log/folder/folder-record-log.ts";
import { FILE_BUCKET, keyOfFile } from "#lib/photo/photo-uri.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { FruitstreamError } from "#lib/runtime/errors.ts";
import { createLogger, readLogLevel } from "#lib/runtime/logger.ts";
import { openFolderObjectStore } from "#lib/store/folder/folder-object-store.ts";
import { withPhotosInPlace } from "#ops/local/photos-in-place.ts";
import { type EmbeddedServices, startEmbeddedServices } from "#ops/services/embedded-services.ts";
import { featurizerWorkConfig } from "#services/featurizer/config.ts";
import { reducerWorkConfig } from "#services/reducer/config.ts";
import type { DemoBackend } from "./demo-backend.ts";
import type { DemoPlace } from "./demo-options.ts";
import { PHOTO_RULES } from "./demo-photos.ts";

/**
 * Everything in this process, over a log and an object store in the demo's folder, which are removed at the end.
 *
 * @throws usage when more services are asked for than one of each.
 */
export async function openEmbeddedBackend({
  options,
  folder,
  env,
  logFolder,
  note,
  signal,
}: DemoPlace): Promise<DemoBackend> {
  if (options.featurizers > 1 || options.reducers > 1) {
    const problem = "an embedded demo has one featurizer and one reducer, on threads of its own process";
    throw new FruitstreamError("usage", `${problem}; leave out --featurizers and --reducers`);
  }
  const state = join(folder, "embedded");
  // Photos are read where they lie; the store has the table, which is copied at the end.
  const log = await FolderRecordLog.open(join(state, "log"), systemClock);
  const store = await openFolderObjectStore(join(state, "store"));
  let starting: Promise<EmbeddedServices> | undefined;
  let stopping: Promise<void> | undefined;
  // An interrupted demo ends before its services have started; they need the log until they are stopped.
  const stop = () => {
    stopping ??= starting?.then(
      (services) => services.stop(),
      () => undefined,
    );
    return stopping ?? Promise.resolve();
  };

  return {
    log,
    store,
    tableAfterwards: "removed",
    // A demo's topics are its own, so nothing of it was announced before.
    announcePhotos: (photos, announcer, hooks, onProgress) =>
      announceFolder(
        announcer,
        {
          folder: photos,
          bucket: FILE_BUCKET,
          keyOf: keyOfFile,
          isAnnounced: () => false,
          onFault: notingFaults(note),
          ...PHOTO_RULES,
        },
        hooks,
        onProgress,
      ),
    async startServices(config) {
      const logLevel = readLogLevel(env, "info");
      starting = startEmbeddedServices({
        featurizer: readConfig(featurizerWorkConfig, env, { ...config.featurizer, buckets: [FILE_BUCKET] }),
        reducer: readConfig(reducerWorkConfig, env, config.reducer),
        log,
        photoStore: withPhotosInPlace(store),
        tableStore: store,
        loggerOf: (name) => createLogger(name, logLevel, join(logFolder, `${name}.log`)),
        signal,
      });
      const { failure } = await starting;
      return { failure, stop, rssPeakBytes: () => ({ "the one process": process.resourceUsage().maxRSS * 1_024 }) };
    },
    async close() {
      await stop();
      store.close();
      log.close();
      await rm(state, { recursive: true, force: true });
    },
  };
}
