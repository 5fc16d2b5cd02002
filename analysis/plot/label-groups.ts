/** Labels that share a colour and a line of the legend. */
interface LabelGroup {
  readonly name: string;
  readonly rows: number;
}

export interface Grouping {
  /** At most GROUPS_MAX, those of most rows first, and OTHERS last where there are more. */
  readonly groups: readonly LabelGroup[];
  readonly groupOf: (label: string | null) => string;
  /** Whether groups are of labels with the same first word. */
  readonly byFirstWord: boolean;
}

/** More colours than this are not told apart. */
export const GROUPS_MAX = 12;

export const OTHERS = "others";
export const NO_LABEL = "no label";

/**
 * Groups labels for a legend that stays readable. Up to GROUPS_MAX labels each are a group of their own. More are grouped
 * by their first word ("Apple Red 1" and "Apple Golden 2"), as variety names mostly begin with the kind; and the
 * GROUPS_MAX − 1 largest groups are told apart from the others.
 *
 * @param mayGroup false keeps labels apart, however many there are.
 */
export function groupLabels(rowsByLabel: ReadonlyMap<string | null, number>, mayGroup = true): Grouping {
  const byFirstWord = mayGroup && rowsByLabel.size > GROUPS_MAX;
  const nameOf = (label: string | null) => (label === null ? NO_LABEL : byFirstWord ? firstWord(label) : label);
  const rowsByName = new Map<string, number>();
  for (const [label, rows] of rowsByLabel) rowsByName.set(nameOf(label), (rowsByName.get(nameOf(label)) ?? 0) + rows);

  const all = [...rowsByName].map(([name, rows]) => ({ name, rows })).sort(byRowsThenName);
  const shown = all.length > GROUPS_MAX ? all.slice(0, GROUPS_MAX - 1) : all;
  const names = new Set(shown.map(({ name }) => name));
  const otherRows = all.slice(shown.length).reduce((sum, { rows }) => sum + rows, 0);
  return {
    groups: otherRows > 0 ? [...shown, { name: OTHERS, rows: otherRows }] : shown,
    groupOf: (label) => (names.has(nameOf(label)) ? nameOf(label) : OTHERS),
    byFirstWord,
  };
}

function firstWord(label: string): string {
  return label.trim().split(/[\s_-]+/, 1)[0]!;
}

function byRowsThenName(a: LabelGroup, b: LabelGroup): number {
  return b.rows - a.rows || (a.name < b.name ? -1 : 1);
}
