import { createRequire } from "node:module";

/** Kafka's error code of a partition whose brokers are all away. */
const LEADER_NOT_AVAILABLE = 5;
const METADATA_VERSIONS = [0, 1, 2, 3, 4, 5, 6];

interface Metadata {
  readonly topicMetadata: readonly {
    readonly partitionMetadata: readonly { readonly partitionErrorCode: number }[];
  }[];
}

interface MetadataResponse {
  parse(metadata: Metadata): Promise<Metadata>;
}

/**
 * kafkajs takes a whole answer about the cluster for a failure when one partition in it has no leader, so that nobody
 * could join, read or write any other partition either until that one is back. From now on it takes such an answer for
 * what it is: the partition's leader is -1, a broker that nobody has. Consumers then fetch from the others, and whoever
 * appends to it fails and tries again.
 *
 * This reaches into the client, which has no setting for it; its version 2.2.4 is its last.
 */
export function tolerateMissingLeaders(): void {
  const require = createRequire(import.meta.url);
  for (const version of METADATA_VERSIONS) {
    const response: MetadataResponse = require(`kafkajs/src/protocol/requests/metadata/v${version}/response.js`);
    const { parse } = response;
    response.parse = (metadata) => parse(withoutMissingLeaders(metadata));
  }
}

function withoutMissingLeaders(metadata: Metadata): Metadata {
  const topicMetadata = metadata.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((partition) =>
      partition.partitionErrorCode === LEADER_NOT_AVAILABLE ? { ...partition, partitionErrorCode: 0 } : partition,
    ),
  }));
  return { ...metadata, topicMetadata };
}
