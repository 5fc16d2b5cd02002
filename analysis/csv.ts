/**
 * Rows as CSV (RFC 4180, with line feeds). A text that a spreadsheet would take for a formula gets an apostrophe before
 * it, so that it is shown and not computed; what is a plain number stays one.
 */
export function csvOf(rows: readonly (readonly (string | number | null)[])[]): string {
  return rows.map((row) => `${row.map(cellOf).join(",")}\n`).join("");
}

/** https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i;

function cellOf(value: string | number | null): string {
  if (value === null) return "";
  const text = String(value);
  const isFormula = FORMULA.test(text) && !NUMBER.test(text);
  const shown = isFormula ? `'${text}` : text;
  return isFormula || /[",\n\r]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
