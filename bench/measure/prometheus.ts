/** A service's metrics at one moment. */
export interface Metrics {
  /** The sum over all series of this name whose labels include these; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Reads `/metrics` of a service on this machine. */
export async function scrape(port: number): Promise<Metrics> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return parseMetrics(await response.text());
}

/** Reads the Prometheus text format, as far as prom-client writes it. */
export function parseMetrics(text: string): Metrics {
  const series = text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels: labels.split(","), value: Number(value) }];
  });
  return {
    sum(name, labels = {}) {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return series
        .filter((one) => one.name === name && wanted.every((label) => one.labels.includes(label)))
        .reduce((sum, { value }) => sum + value, 0);
    },
  };
}
