/**
 * The text of a Java properties file (`java.util.Properties.load`): one `key=value` a line. Backslashes would begin an
 * escape, and the file is read as Latin-1, so both are escaped. Keys are plain names.
 */
export function formatProperties(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${escapeValue(String(value))}\n`)
    .join("");
}

function escapeValue(value: string): string {
  return value
    .replaceAll("\\", "\\\\")
    .replace(/^ /, "\\ ")
    .replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
