import { createRequire } from "node:module";
import { beforeAll, expect, test } from "vitest";
import { tolerateMissingLeaders } from "#lib/log/kafka/missing-leaders.ts";

const NO_ERROR = 0;
const LEADER_NOT_AVAILABLE = 5;
const TOPIC_AUTHORIZATION_FAILED = 29;

beforeAll(tolerateMissingLeaders);

test.each([0, 5, 6])(
  "an answer of version %i with a partition that has no leader is taken, its leader unknown",
  async (version) => {
    const answer = metadata(NO_ERROR, LEADER_NOT_AVAILABLE);
    const { topicMetadata } = await parse(version, answer);
    expect(topicMetadata[0]!.partitionMetadata.map(({ leader }) => leader)).toEqual([1, -1]);
  },
);

test("an answer with any other error is refused", async () => {
  await expect(parse(6, metadata(NO_ERROR, TOPIC_AUTHORIZATION_FAILED))).rejects.toThrow(/authorized/i);
});

type Metadata = ReturnType<typeof metadata>;

function metadata(...errorCodes: readonly number[]) {
  const partitionMetadata = errorCodes.map((partitionErrorCode, partitionId) => ({
    partitionErrorCode,
    partitionId,
    leader: partitionErrorCode === NO_ERROR ? 1 : -1,
  }));
  return { brokers: [], topicMetadata: [{ topicErrorCode: NO_ERROR, topic: "photos", partitionMetadata }] };
}

/** As the client does it. */
function parse(version: number, answer: Metadata): Promise<Metadata> {
  const require = createRequire(import.meta.url);
  return require(`kafkajs/src/protocol/requests/metadata/v${version}/response.js`).parse(answer);
}
