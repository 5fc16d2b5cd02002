import { AssignerProtocol, type PartitionAssigner, PartitionAssigners } from "kafkajs";
import { FruitstreamError } from "#lib/runtime/errors.ts";

const { MemberMetadata, MemberAssignment } = AssignerProtocol;

/**
 * Shares out the leader's topic among those members that read it. The client's own assigner, which this one is otherwise
 * and whose name it keeps so that versions mix, gives parts of it to every member of the group: two installations that
 * share a group would leave a part of their records to nobody. A member of another topic gets none, and the topic's name, so
 * that it learns whose group it is in.
 */
export const ownTopicAssigner: PartitionAssigner = (config) => {
  const roundRobin = PartitionAssigners.roundRobin(config);
  return {
    ...roundRobin,
    assign: async ({ members, topics }) => {
      const isOfOthers = ({ memberMetadata }: (typeof members)[number]) => {
        const read = MemberMetadata.decode(memberMetadata)?.topics ?? [];
        return !topics.every((topic) => read.includes(topic));
      };
      const none = Object.fromEntries(topics.map((topic) => [topic, []]));
      const ofOthers = members.filter(isOfOthers).map(({ memberId }) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({ version: roundRobin.version, assignment: none, userData: NO_DATA }),
      }));
      const own = members.filter((member) => !isOfOthers(member));
      return [...(await roundRobin.assign({ members: own, topics })), ...ofOthers];
    },
  };
};

const NO_DATA = Buffer.alloc(0);

/** What a member says that is in a group at work on other topics. */
export function sharedGroup({ group, topic }: { group: string; topic: string }, others: readonly string[]) {
  const problem = `consumer group "${group}" is at work on "${others.join('", "')}", and this member reads "${topic}"`;
  const remedy = "every installation needs groups of its own: set FEATURIZER_GROUP, REDUCER_GROUP or TOPIC_PREFIX";
  return new FruitstreamError("invalid-config", `${problem}; ${remedy}`);
}
