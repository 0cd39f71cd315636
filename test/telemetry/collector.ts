import { createServer } from 'node:http';
import { z } from 'zod';

const valueSchema = z
  .object({
    stringValue: z.string(),
    intValue: z.union([z.number(), z.string()]).transform(Number),
    doubleValue: z.number(),
    boolValue: z.boolean(),
  })
  .partial();
const attributesSchema = z
  .array(z.object({ key: z.string(), value: valueSchema }))
  .default([])
  .transform((list): Record<string, unknown> =>
    Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])),
  );
const resourceSchema = z.object({ attributes: attributesSchema });

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes: attributesSchema,
  status: z.object({ code: z.number().default(0) }).prefault({}),
});
export type ReceivedSpan = z.output<typeof spanSchema>;

const pointSchema = z.object({
  attributes: attributesSchema,
  asDouble: z.number().optional(),
  asInt: z.union([z.number(), z.string()]).transform(Number).optional(),
  count: z.union([z.number(), z.string()]).transform(Number).optional(),
  sum: z.number().optional(),
  explicitBounds: z.array(z.number()).optional(),
});
const pointsSchema = z.object({ dataPoints: z.array(pointSchema) });
const metricSchema = z.object({
  name: z.string(),
  unit: z.string().default(''),
  sum: pointsSchema.extend({ isMonotonic: z.boolean().default(false) }).optional(),
  gauge: pointsSchema.optional(),
  histogram: pointsSchema.optional(),
});
export type ReceivedMetric = z.output<typeof metricSchema>;

const tracesSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: resourceSchema,
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});
const metricsSchema = z.object({
  resourceMetrics: z.array(
    z.object({
      resource: resourceSchema,
      scopeMetrics: z.array(z.object({ metrics: z.array(metricSchema) })),
    }),
  ),
});

/** What an OTLP/HTTP receiver on loopback was sent. */
export interface Collector {
  url: string;
  spans: ReceivedSpan[];
  metrics: ReceivedMetric[];
  resources: Record<string, unknown>[];
  /** Each request's path and headers. */
  requests: { path: string; headers: Record<string, unknown> }[];
  /** The bodies as they came. */
  bodies: string[];
  close: () => Promise<void>;
}

/** @param answer status of its answers; `never` takes requests and answers none */
export async function startCollector(answer: number | 'never' = 200): Promise<Collector> {
  const received: Omit<Collector, 'url' | 'close'> = {
    spans: [],
    metrics: [],
    resources: [],
    requests: [],
    bodies: [],
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      received.requests.push({ path: request.url ?? '', headers: request.headers });
      received.bodies.push(body);
      if (request.url?.endsWith('/v1/traces')) {
        for (const { resource, scopeSpans } of tracesSchema.parse(JSON.parse(body)).resourceSpans) {
          received.resources.push(resource.attributes);
          received.spans.push(...scopeSpans.flatMap(({ spans }) => spans));
        }
      } else {
        for (const { resource, scopeMetrics } of metricsSchema.parse(JSON.parse(body))
          .resourceMetrics) {
          received.resources.push(resource.attributes);
          received.metrics.push(...scopeMetrics.flatMap(({ metrics }) => metrics));
        }
      }
      if (answer === 'never') return;
      response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    ...received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
