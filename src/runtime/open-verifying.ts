import type { Judge } from '../patterns/judge.ts';
import type { Sandbox } from '../quality/sandbox/sandbox.ts';
import type { Grade } from '../rollout/compare.ts';

/** Judges and scores answers by running them. The compilers are loaded, and the sandbox is opened, with the first one. */
export interface Verifying {
  /** @throws AppError `sandbox.unavailable`, `execution.failed` */
  judge: Judge;
  /** @throws AppError `sandbox.unavailable`, `execution.failed` */
  grade: Grade;
}

export function openVerifying(open: () => Promise<Sandbox>): Verifying {
  const create = async (): Promise<Verifying> => {
    const { createAnswerJudge } = await import('../quality/judge-answer.ts');
    const { createAnswerGrader } = await import('../quality/grade-answer.ts');
    const { createExecutor } = await import('../quality/execution/index.ts');
    const executor = createExecutor({ sandbox: await open() });
    return { judge: createAnswerJudge(executor), grade: createAnswerGrader(executor) };
  };
  let created: Promise<Verifying> | undefined;
  return {
    judge: async (...judged) => (await (created ??= create())).judge(...judged),
    grade: async (...graded) => (await (created ??= create())).grade(...graded),
  };
}
