interface Exporter<Items> {
  export(items: Items, done: (result: { code: number; error?: Error }) => void): void;
}

/**
 * Has somebody told why an export failed: the SDK itself only tells its global log. Returns the
 * exporter it was given.
 */
export function watchExporter<Items, One extends Exporter<Items>>(
  signal: string,
  exporter: One & Exporter<Items>,
  warn: (problem: string) => void,
): One {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => {
    send(items, (result) => {
      if (result.error !== undefined) warn(`${signal} cannot be exported: ${result.error.message}`);
      done(result);
    });
  };
  return exporter;
}
