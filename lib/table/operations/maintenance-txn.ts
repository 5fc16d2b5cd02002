import type { PlannedState, TableTransaction } from "../delta/transaction.ts";

/** Named alike by all maintainers of a table, so that of two at once one notices the other. */
const MAINTENANCE = "fruitstream/maintenance";

/**
 * The guard that each of a maintainer's commits moves on from the state that it was planned on. A second maintainer whose
 * plan is older gets a conflict with it before any other: what it has written was in vain, whatever it was.
 */
export function maintenanceTxns({
  txnVersions,
}: Pick<PlannedState, "txnVersions">): NonNullable<TableTransaction["txns"]> {
  const base = txnVersions.get(MAINTENANCE);
  return [{ appId: MAINTENANCE, base, version: (base ?? 0) + 1 }];
}
