import { writeFile } from 'node:fs/promises';
import type { BuildPlan } from '../../build/plan.ts';
import { planText, reportText } from '../../build/plan-text.ts';
import { exitCodes } from '../../kernel/run.ts';
import { buildImages } from '../../operations/build/build.ts';
import { fileFault, wrongArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

export interface BuildCommandOptions {
  readonly dryRun?: boolean;
  readonly images?: string;
  readonly tag: readonly string[];
  readonly push: boolean;
  readonly force: boolean;
}

export async function execute(
  context: CommandContext,
  targetName: string | undefined,
  options: BuildCommandOptions,
): Promise<number> {
  const { effects, json } = context;
  const { dryRun = false, tag: tags, push, force } = options;
  const { plan, report } = await buildImages(context, targetName, { dryRun, tags, push, force });
  if (report === undefined) {
    effects.print(json ? JSON.stringify({ ok: true, plan: publicPlan(plan) }) : planText(plan));
    return exitCodes.ok;
  }
  if (options.images !== undefined && Object.keys(report.images).length > 0) {
    const argument = `--images ${options.images}`;
    await writeFile(options.images, `${JSON.stringify(report.images, undefined, 2)}\n`).catch((error) => {
      throw wrongArgument(argument, fileFault(error));
    });
  }
  effects.print(json ? JSON.stringify({ ok: true, ...report }) : reportText(report));
  return exitCodes.ok;
}

/** Without the values of build arguments: some are secrets. */
function publicPlan(plan: BuildPlan) {
  return {
    ...plan,
    targets: plan.targets.map(({ target, action, ...rest }) => ({
      ...rest,
      ...target,
      args: Object.keys(target.args),
      action: action.kind === 'reuse' ? { kind: action.kind, digest: action.manifest.digest } : action,
    })),
  };
}
