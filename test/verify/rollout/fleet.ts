/** A module that a fleet asks tests for: small, and wrong in a way if any of its borders is. */
interface Module {
  name: string;
  code: (value: number) => string;
}

const MODULES: readonly Module[] = [
  {
    name: 'clamp',
    code: (n) => `export function clamp(value: number): number {
  if (value < 0) return 0;
  return value > ${n} ? ${n} : value;
}`,
  },
  {
    name: 'fare',
    code: (n) => `export function fare(age: number): number {
  if (age < ${n}) return 0;
  return age >= 65 ? 5 : 10;
}`,
  },
  {
    name: 'grade',
    code: (n) => `export function grade(points: number): string {
  if (points >= 90) return 'A';
  return points >= ${50 + n} ? 'B' : 'C';
}`,
  },
  {
    name: 'stock',
    code: (n) => `export function stock(count: number): string {
  if (count === 0) return 'none';
  return count < ${n} ? 'few' : 'many';
}`,
  },
  {
    name: 'shipping',
    code: (n) => `export function shipping(total: number, member: boolean): number {
  if (member) return 0;
  return total > ${n * 10} ? 0 : 4;
}`,
  },
  {
    name: 'leap',
    code: () => `export function leap(year: number): boolean {
  if (year % 400 === 0) return true;
  return year % 4 === 0 && year % 100 !== 0;
}`,
  },
];
const VALUES = [4, 6, 8, 12];

/** Prompts that differ. */
export const PROMPTS = MODULES.length * VALUES.length;

/** The prompt of that number, from 0. */
export function fleetPrompt(number: number): string {
  const module = MODULES[number % MODULES.length];
  const value = VALUES[Math.floor(number / MODULES.length) % VALUES.length] ?? 4;
  if (module === undefined) throw new Error('there is no such prompt');
  // What all of them share comes first: a server keeps it.
  return `Write three vitest tests of one line and one expectation each, on the borders of the conditions of the module below. Answer with the code alone, as in
import { expect, it } from 'vitest';
import { twice } from './twice';
it('first', () => { expect(twice(3)).toBe(6); });

The module is ${module.name}.ts:
\`\`\`ts
${module.code(value)}
\`\`\``;
}
