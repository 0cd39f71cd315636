import type { CompletionRequest } from '../core/request.ts';
import type { Complexity, Priority, TaskCategory } from '../core/task.ts';
import type { Scope } from '../patterns/pattern.ts';
import type { BreakerState, FailureKind } from './breaker-store.ts';

/** From the most help to the most money. */
export const TIERS = ['orchestrated', 'direct', 'cloud'] as const;
export type Tier = (typeof TIERS)[number];

/** Who asked. */
export type Source = 'cli' | 'chat' | 'batch' | 'library' | 'openai' | 'anthropic' | 'ollama';

/** What a caller asks of the router. What it leaves out, the router fills in. */
export interface RouteRequest extends Partial<Omit<CompletionRequest, 'messages' | 'repeat'>> {
  /** With a session: only what is new since its last turn. */
  messages: CompletionRequest['messages'];
  /** `auto` (the default), a target as `<server>:<model>`, or the bare name of a model that a tier has. */
  model?: string;
  /** Private prompts never leave the servers that may see them, whatever fails. */
  private?: boolean;
  /** Goes on with the conversation of that id, or begins it. */
  session?: string;
  /** As the caller knows it; the classifier's word where it is absent. */
  category?: TaskCategory;
  complexity?: Complexity;
  /** `medium` by default. */
  priority?: Priority;
  /** Which agent of the fleet asks, as in `qe-test-generator`. */
  agent?: string;
  /** What the answer depends on beside the prompt: memory keeps to it. */
  scope?: Scope;
  source?: Source;
}

/** What is known of a request before anything is decided. */
export interface Description {
  category: TaskCategory;
  complexity: Complexity;
  /** How sure the classifier is of category and complexity together, from 0 to 1; 1 where the caller said both. */
  confidence: number;
  /** Tokens of the whole prompt, estimated from its bytes. */
  promptTokens: number;
  /** What the classifier looked at, for people who ask why. */
  features: Readonly<Record<string, number>>;
}

/** A model somewhere that can answer. */
export interface Target {
  tier: Tier;
  /** `<server>:<model>`, as `ollama:rnj-1` or `embedded:qwen2.5-coder-0.5b-instruct`. */
  spec: string;
  /** Whether private prompts may be sent there. */
  maySeePrivate: boolean;
  /** The work it is configured for; any where absent. */
  suits?: Complexity;
}

/** What a rollout says of a request. A side is a tier, or one target by its `<server>:<model>`. */
export interface Assignment {
  /** Id of the rollout. */
  rollout: string;
  /** Which stage of it: evidence is kept apart by it. */
  stage: number;
  /** 48 bits of the hash of the session, or of the request where there is none. */
  unit: number;
  /** From 0 to 9,999; the candidate answers those below its share. */
  bucket: number;
  /** Per cent that the candidate answers. */
  serve: number;
  arm: 'candidate' | 'reference';
  /** The side that goes first. */
  to: string;
  /** The side that it is compared with. */
  other: string;
  /** Whether the other side is asked as well, beside the answer. */
  compare: boolean;
  /** Nobody but `to` may be asked. */
  only: boolean;
}

/** What the router knows of a target when it decides. */
export interface TargetState extends Target {
  breaker: BreakerState;
  /** What opened the breaker last. Absent while it is closed. */
  opened?: FailureKind;
  /** Requests that this process has there now. */
  inFlight: number;
  /** How many it answers at once without slowing each other down. */
  concurrency: number;
  /** Found unusable when it was last looked at. */
  gone?: 'gpu-gone' | 'model-not-loaded';
  /** From the latest answers; absent while there are none. */
  latency?: { ttftMs: number; msPerToken: number };
  /** For a prompt and an answer of usual length; 0 for local targets, absent where no price is known. */
  estimatedUsd?: number;
  /** Measured by execution for this kind of request; absent where nothing was measured. */
  quality?: QualityEvidence;
}

/** Quality as a share of the reference's, from 0 to 1, and how sure that is. */
export interface QualityEvidence {
  mean: number;
  /** Lower end of its 95 % interval. */
  lower: number;
  /** Outcomes behind it. */
  n: number;
  /** Where they come from, as `baseline 20261123-101500-ab12`. */
  source: string;
}

/** A remembered request near this one, and how it went. */
export interface Neighbour {
  id: string;
  /** Cosine. */
  similarity: number;
  target: string;
  quality: number;
}

/** What memory has for a request. */
export interface Remembered {
  neighbours: readonly Neighbour[];
  /** An answer that may stand in a model's place. */
  reuse?: {
    id: string;
    answer: string;
    confidence: number;
    /** In a sentence. */
    why: string;
  };
  /** Earlier answers, for the prompt of local tiers. */
  context?: string;
}

/** One step of the ladder. A step for emergencies is taken only while a trigger holds. */
export interface Rung extends Target {
  emergencyOnly?: boolean;
  /** Why it is not the first; absent on the first. */
  why?: string;
}

export interface Decision {
  /** Id of the policy that chose. */
  policy: string;
  /** Ids of the policies that narrowed the choice before. */
  narrowedBy: readonly string[];
  strategy: string;
  description: Description;
  /** Who is asked, one after the other. Never empty. */
  ladder: readonly [Rung, ...Rung[]];
  /** From 0 to 1. */
  confidence: number;
  reasons: readonly string[];
  rejected: readonly { tier: Tier; target: string; why: string }[];
  neighbours: readonly Neighbour[];
  /** Of the first rung; absent where nothing is known. */
  estimatedLatencyMs?: number;
  estimatedUsd?: number;
  /** Present where a rollout chose. */
  rollout?: Assignment;
}

/** Why the cloud may answer although it is for emergencies only. */
export type EmergencyTrigger =
  | 'local-failures'
  | 'quality'
  | 'latency'
  | 'gpu-gone'
  | 'model-not-loaded';

/** Whether a target is of a side of a rollout. */
export function isOfSide({ tier, spec }: Pick<Target, 'tier' | 'spec'>, side: string): boolean {
  return tier === side || spec === side;
}

/** In the place of a server's name, where memory answers. */
export const MEMORY = 'memory';

/** Whether it is memory that answers, and no model. */
export function isMemory({ spec }: Pick<Target, 'spec'>): boolean {
  return spec.startsWith(`${MEMORY}:`);
}
