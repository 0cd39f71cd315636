import { z } from 'zod';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../../core/task.ts';

const object = z.record(z.string(), z.unknown());

const toolCallSchema = z.strictObject({
  id: z.string().min(1),
  name: z.string().min(1),
  arguments: z.string(),
});

export const messageSchema = z.discriminatedUnion('role', [
  z.strictObject({ role: z.enum(['system', 'user']), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(toolCallSchema).min(1).exactOptional(),
  }),
  z.strictObject({ role: z.literal('tool'), content: z.string(), toolCallId: z.string().min(1) }),
]);

export const toolSchema = z.strictObject({
  name: z.string().min(1),
  description: z.string().exactOptional(),
  parameters: object,
  strict: z.boolean().exactOptional(),
});

/** What a caller may say of a request besides its words; the same in every shape of a line. */
export const routeFields = {
  private: z.boolean().exactOptional(),
  category: z.enum(TASK_CATEGORIES).exactOptional(),
  complexity: z.enum(COMPLEXITIES).exactOptional(),
  priority: z.enum(PRIORITIES).exactOptional(),
  agent: z.string().min(1).exactOptional(),
  session: z
    .never({ error: 'a batch has no sessions: its lines are answered in any order' })
    .exactOptional(),
};

export const temperatureSchema = z.number().min(0).max(2).exactOptional();
export const seedSchema = z.int().min(0).exactOptional();
export const topPSchema = z.number().gt(0).max(1).exactOptional();

/** The fields of a line in our own words. */
export const sharedFields = {
  ...routeFields,
  temperature: temperatureSchema,
  seed: seedSchema,
  topP: topPSchema,
  stop: z.array(z.string().min(1)).min(1).exactOptional(),
  tools: z.array(toolSchema).min(1).exactOptional(),
  toolChoice: z
    .union([z.enum(['auto', 'none', 'required']), z.strictObject({ name: z.string().min(1) })])
    .exactOptional(),
  responseFormat: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('json') }),
      z.strictObject({ type: z.literal('json-schema'), name: z.string().min(1), schema: object }),
    ])
    .exactOptional(),
};

type Present<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** Without the fields that were not given. */
export function presentOnly<Fields extends object>(fields: Fields): Present<Fields>;
export function presentOnly(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
