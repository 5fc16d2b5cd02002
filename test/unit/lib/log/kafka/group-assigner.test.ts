import { AssignerProtocol } from "kafkajs";
import { expect, test } from "vitest";
import { ownTopicAssigner, sharedGroup } from "#lib/log/kafka/group-assigner.ts";

/** The assigner of a leader on a cluster whose topics have four partitions. */
const assigner = ownTopicAssigner({
  cluster: { findTopicPartitionMetadata: () => [0, 1, 2, 3].map((partitionId) => ({ partitionId })) } as never,
  groupId: "group",
  logger: {} as never,
});

const member = (memberId: string, topic: string) => ({
  memberId,
  memberMetadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [topic], userData: Buffer.alloc(0) }),
});

async function assign(...members: ReturnType<typeof member>[]) {
  const assignments = await assigner.assign({ members, topics: ["photos"] });
  return Object.fromEntries(
    assignments.map(({ memberId, memberAssignment }) => {
      const { assignment } = AssignerProtocol.MemberAssignment.decode(memberAssignment)!;
      return [memberId, { ...assignment }];
    }),
  );
}

test("members of the leader's topic share it", async () => {
  expect(await assign(member("a", "photos"), member("b", "photos"))).toEqual({
    a: { photos: [0, 2] },
    b: { photos: [1, 3] },
  });
});

test("members of other topics get none of it, and its name", async () => {
  expect(await assign(member("a", "photos"), member("b", "other.photos"), member("c", "photos"))).toEqual({
    a: { photos: [0, 2] },
    b: { photos: [] },
    c: { photos: [1, 3] },
  });
});

test("whoever is in a group of others says whose it is, and what to set", () => {
  const error = sharedGroup({ group: "featurizers", topic: "mine.photos" }, ["theirs.photos"]);
  expect(error).toMatchObject({
    code: "invalid-config",
    message: expect.stringMatching(
      /^consumer group "featurizers" is at work on "theirs\.photos", .*"mine\.photos"; .*TOPIC_PREFIX$/,
    ),
  });
});
