import { planText } from '../../deploy/plan/plan-text.ts';
import type { OperationContext } from '../../operations/context.ts';
import { planTarget } from '../../operations/deploy/plan.ts';
import { fence, inline } from '../../report/markdown/escape.ts';
import type { Job } from '../step/job.ts';

interface Asked {
  readonly target: string | undefined;
  readonly release: string | undefined;
  readonly images: Readonly<Record<string, string>>;
  readonly replace?: readonly string[];
}

/** The plan of a deploy, in the log and in the summary. */
export async function printPlan(context: OperationContext, asked: Asked, job: Job): Promise<true> {
  const plan = await planTarget(context, asked.target, asked);
  const text = planText(plan);
  job.effects.print(text);
  job.output('release', plan.release);
  const head = `## ⚪ ${inline(`Plan: ${plan.release} on ${plan.target}; nothing was changed`, 300)}`;
  await job.summarise((room) => `${head}\n\n${fence(text, { lines: 2000, bytes: room - 1000 })}`);
  return true;
}
