import type { IncomingHttpHeaders } from 'node:http';
import type { Message, Tool, ToolCall, ToolChoice } from '../../core/request.ts';
import type { RouteRequest } from '../../routing/decision.ts';
import type { Call } from '../dialect.ts';
import { readOptions } from '../options.ts';
import { parseBody } from '../parse.ts';
import { messageWriter } from './message-answer.ts';
import { messageSchema, promptSchema, type Prompt } from './message-schema.ts';

/** `/v1/messages`. @throws AppError `gateway.invalid-request` */
export function readMessages(body: unknown, headers: IncomingHttpHeaders): Call {
  const given = parseBody(messageSchema, body);
  const { temperature, top_p: topP, stop_sequences: stop } = given;
  const format = given.output_config?.format ?? given.output_format;
  const isThinking = given.thinking?.type === 'enabled' || given.thinking?.type === 'adaptive';
  return {
    stream: given.stream === true,
    writer: (head) => messageWriter(head, isThinking),
    request: {
      ...promptOf(given),
      maxTokens: given.max_tokens,
      ...(typeof temperature === 'number' ? { temperature } : {}),
      ...(typeof topP === 'number' ? { topP } : {}),
      ...(stop === null || stop === undefined || stop.length === 0 ? {} : { stop }),
      ...(format === null || format === undefined
        ? {}
        : { responseFormat: { type: 'json-schema', name: 'answer', schema: format.schema } }),
      ...readOptions(headers, given.metadata),
    },
  };
}

/** `/v1/messages/count_tokens`. @throws AppError `gateway.invalid-request` */
export function readPrompt(body: unknown, headers: IncomingHttpHeaders): RouteRequest {
  return { ...promptOf(parseBody(promptSchema, body)), ...readOptions(headers, undefined) };
}

function promptOf(given: Prompt): RouteRequest {
  const system = textOf(given.system ?? '');
  return {
    source: 'anthropic',
    model: given.model,
    messages: [
      ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
      ...given.messages.flatMap(messagesOf),
    ],
    ...toolsOf(given),
  };
}

type Given = Prompt['messages'][number];
type Block = Exclude<Given['content'], string>[number];

function messagesOf({ role, content }: Given): Message[] {
  if (typeof content === 'string') return [{ role, content }];
  if (role === 'assistant') return [assistantTurn(content)];
  const messages: Message[] = [];
  for (const block of content) {
    if (block.type === 'tool_result') messages.push(toolResult(block));
    if (block.type !== 'text') continue;
    const last = messages.at(-1);
    // Texts that stand together are one message.
    if (last?.role === role) last.content += `\n${block.text}`;
    else messages.push({ role, content: block.text });
  }
  return messages;
}

function assistantTurn(blocks: readonly Block[]): Message {
  const texts = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const toolCalls = blocks.flatMap((block): ToolCall[] =>
    block.type === 'tool_use'
      ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }]
      : [],
  );
  return {
    role: 'assistant',
    content: texts.join('\n'),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

/** A failure is told in words: only Anthropic has a mark for it. */
function toolResult(block: Extract<Block, { type: 'tool_result' }>): Message {
  const said = textOf(block.content ?? '');
  const content = block.is_error === true ? `Error: ${said}` : said;
  return { role: 'tool', content, toolCallId: block.tool_use_id };
}

function textOf(content: string | readonly { text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n');
}

function toolsOf({ tools, tool_choice: choice }: Prompt): {
  tools?: Tool[];
  toolChoice?: ToolChoice;
} {
  const offered = (tools ?? []).map(({ name, description, input_schema: parameters, strict }) => ({
    name,
    ...(typeof description === 'string' ? { description } : {}),
    parameters,
    ...(typeof strict === 'boolean' ? { strict } : {}),
  }));
  if (offered.length === 0) return {};
  if (choice === null || choice === undefined) return { tools: offered };
  return { tools: offered, toolChoice: choiceOf(choice) };
}

function choiceOf(choice: NonNullable<Prompt['tool_choice']>): ToolChoice {
  if (choice.type === 'tool') return { name: choice.name };
  return choice.type === 'any' ? 'required' : choice.type;
}
