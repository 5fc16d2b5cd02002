import { FruitstreamError } from "#lib/runtime/errors.ts";
import type { Logger } from "#lib/runtime/logger.ts";
import type { LogAdmin, TopicSafety, TopicShape } from "./record-log.ts";

const DAY_MS = 86_400_000;

/**
 * Warns of topics that were there before and may lose what their shape is to keep. Whoever may
 * not ask for it, or can't at the moment, works on without warnings.
 */
export async function warnOfUnsafeTopics(
  admin: Pick<LogAdmin, "topicSafety">,
  shapes: readonly TopicShape[],
  logger: Logger,
): Promise<void> {
  try {
    for (const safety of await admin.topicSafety(shapes.map(({ topic }) => topic))) {
      const shape = shapes.find(({ topic }) => topic === safety.topic)!;
      for (const { setting, value, wanted, risk } of dangersOf(shape, safety)) {
        const { topic } = safety;
        const mend = `kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name ${topic} --add-config ${setting}=${wanted}`;
        const fields = { event: "topic_unsafe", topic, setting, value, wanted };
        logger.warn(fields, `topic "${topic}" has ${setting}=${value}: ${risk}; mend it by ${mend}`);
      }
    }
  } catch (error) {
    if (!(error instanceof FruitstreamError)) throw error;
    logger.debug({ event: "topic_safety_unknown", err: error }, "could not ask how safe the topics are");
  }
}

interface Danger {
  /** As Kafka names it. */
  readonly setting: string;
  readonly value: string;
  readonly wanted: string;
  readonly risk: string;
}

/** What may lose records that the topic is to keep. */
export function dangersOf({ keep }: TopicShape, safety: TopicSafety): Danger[] {
  const kept = keep === undefined ? [] : keep === "compacted" ? compactionDangers(safety) : expiryDangers(keep, safety);
  return [...kept, ...replicaDangers(safety)];
}

function compactionDangers({ cleanupPolicy }: TopicSafety): Danger[] {
  if (cleanupPolicy === "compact") return [];
  const risk = "schemas expire, and messages can't be read without theirs";
  return [{ setting: "cleanup.policy", value: cleanupPolicy, wanted: "compact", risk }];
}

function expiryDangers(keep: number | "for-ever", { cleanupPolicy, retentionMs }: TopicSafety): Danger[] {
  const dangers: Danger[] = [];
  if (cleanupPolicy !== "delete") {
    const risk = "records of one key replace each other before they are read";
    dangers.push({ setting: "cleanup.policy", value: cleanupPolicy, wanted: "delete", risk });
  }
  const wantedMs = keep === "for-ever" ? -1 : keep;
  if (retentionMs >= 0 && (wantedMs < 0 || retentionMs < wantedMs)) {
    const risk = `records are kept ${formatKept(retentionMs)}, and are meant to be kept ${formatKept(wantedMs)}`;
    dangers.push({ setting: "retention.ms", value: String(retentionMs), wanted: String(wantedMs), risk });
  }
  return dangers;
}

function replicaDangers({ replicas, inSyncReplicasMin }: TopicSafety): Danger[] {
  if (replicas < 2 || inSyncReplicasMin >= 2) return [];
  const risk = "a record is acknowledged that one broker alone has, and can lose";
  return [{ setting: "min.insync.replicas", value: String(inSyncReplicasMin), wanted: "2", risk }];
}

function formatKept(ms: number): string {
  return ms < 0 ? "for good" : `for ${+(ms / DAY_MS).toFixed(2)} days`;
}
