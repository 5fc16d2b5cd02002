import type { AddFile } from "../delta/actions.ts";
import type { PhotoVersion } from "../photo-version.ts";
import { eachRepeat, VERSIONS_HELD_MAX } from "../repeated-versions.ts";
import type { TableAccess } from "../table-location.ts";
import type { OnFinding } from "./table-finding.ts";

/**
 * Finds rows whose photo version another row of the same run and model has. Memory is bounded by VERSIONS_HELD_MAX.
 *
 * @param rows at most so many are in the files.
 */
export async function checkRepeats(
  access: TableAccess,
  files: readonly AddFile[],
  rows: number,
  onFinding: OnFinding,
): Promise<void> {
  const onRepeat = ({ model, run, path, etag }: PhotoVersion) => {
    const detail = `${path} with etag ${etag} has another row of the same run and model`;
    onFinding({ code: "repeat", where: `${model}/${run}`, detail });
  };
  await eachRepeat(access, files, onRepeat, { rows, versionsHeldMax: VERSIONS_HELD_MAX });
}
