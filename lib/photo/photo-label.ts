/** Folders that say where photos come from, not what they show. */
export const UNLABELLED_FOLDERS = "^(photos|inbox|unlabelled)$";

/**
 * A photo's label: the name of its parent folder. Null when the key has no folder, or one whose name matches
 * `unlabelled`.
 */
export function labelOfKey(key: string, unlabelled: RegExp): string | null {
  const folder = key.split("/").at(-2);
  return folder === undefined || folder === "" || unlabelled.test(folder) ? null : folder;
}
