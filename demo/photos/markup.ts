type Value = string | number | readonly string[];

/** A piece of SVG. Numbers are cut to hundredths, far below a pixel; lists are joined. */
export function svg(parts: TemplateStringsArray, ...values: readonly Value[]): string {
  return parts.reduce((text, part, index) => `${text}${format(values[index - 1]!)}${part}`);
}

function format(value: Value): string {
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  return typeof value === "string" ? value : value.join("");
}
