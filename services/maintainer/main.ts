import { closeServer, startStatusServer } from "#lib/http/status-server.ts";
import { systemClock } from "#lib/runtime/clock.ts";
import { readConfig } from "#lib/runtime/config.ts";
import { lowerPriority } from "#lib/runtime/priority.ts";
import { runService } from "#lib/runtime/service.ts";
import { s3OptionsOf } from "#lib/store/s3/s3-config.ts";
import { openS3ObjectStore } from "#lib/store/s3/s3-object-store.ts";
import { waitedForStore } from "#lib/store/s3/waited-for-store.ts";
import { parseTableUri } from "#lib/table/table-location.ts";
import { maintainerConfig } from "./config.ts";
import { createMaintainer, MAINTAINER_PARTS } from "./maintainer.ts";

await runService("maintainer", MAINTAINER_PARTS, async (frame) => {
  const { env, logger, health } = frame;
  const config = readConfig(maintainerConfig, env);
  lowerPriority(config.nice);
  const location = parseTableUri(config.tableUri);
  const server = await startStatusServer(frame, config);
  const store = waitedForStore(openS3ObjectStore(s3OptionsOf(config)), systemClock);
  const maintainer = createMaintainer({ store, location, logger, health, clock: systemClock }, config);
  return {
    run: () => maintainer.run(),
    async stop(how) {
      await maintainer.stop(how);
      await closeServer(server);
      store.close();
    },
  };
});
