import { stackStatus } from "#stack/local-stack.ts";
import { foreignEndpoints } from "#stack/resolve-endpoints.ts";
import { whatStackLacks } from "#stack/stack-programs.ts";
import { readStackSettings } from "#stack/stack-settings.ts";
import type { DemoBackend } from "./demo-backend.ts";
import type { DemoPlace } from "./demo-options.ts";
import { openEmbeddedBackend } from "./embedded-backend.ts";
import { openServerBackend } from "./server-backend.ts";

/**
 * What a demo runs on: this process, if that was asked for; else the servers that the environment names, or the local
 * stack. A machine that can't run the stack gets everything in this process, and is told so.
 */
export async function openDemoBackend(place: DemoPlace): Promise<DemoBackend> {
  if (place.options.embedded) return openEmbeddedBackend(place);
  const settings = readStackSettings(place.env);
  const named = await foreignEndpoints(place.env, settings);
  if (named) return openServerBackend(place, named);
  const lack = (await stackStatus(settings)).endpoints ? undefined : await whatStackLacks(settings, place.env);
  if (lack === undefined) return openServerBackend(place, undefined);
  place.note(`everything runs in this process, without Kafka and S3 (as with --embedded), since ${lack}`);
  return openEmbeddedBackend(place);
}
