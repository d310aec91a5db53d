import type { CheckSettings } from '../config/model.ts';
import { didYouMean } from '../config/sluice-yml/suggest.ts';
import { UserError } from '../kernel/errors.ts';
import type { Category } from './model.ts';
import type { Repo } from './repo.ts';
import { skipReason } from './runner/run-checks.ts';
import type { PlannedCheck, Tool } from './tool.ts';

interface PlanChoice {
  /** Empty: all. */
  readonly categories: readonly Category[];
  /** Tools or checks; empty: all. */
  readonly only: readonly string[];
}

/** All checks of a repository, in the order of the tools. */
export function planChecks(repo: Repo, settings: CheckSettings, tools: readonly Tool[]): PlannedCheck[] {
  return withOwnIds(tools.flatMap((tool) => tool.plan(repo, settings)));
}

/** `ruff format` is the formatter, and Ruff in a folder `format`: a second check of the same name gets a number. */
function withOwnIds(checks: readonly PlannedCheck[]): PlannedCheck[] {
  const taken = new Set<string>();
  return checks.map((check) => {
    let id = check.id;
    for (let number = 2; taken.has(id); number++) id = `${check.id} (${number})`;
    taken.add(id);
    return id === check.id ? check : { ...check, id };
  });
}

/**
 * The selected checks.
 *
 * @throws UserError `checks.unknown` if a name in `only` matches no check.
 */
export function chooseChecks(
  all: readonly PlannedCheck[],
  { categories, only }: PlanChoice,
): readonly PlannedCheck[] {
  const asked = categories.length === 0 ? all : all.filter(({ category }) => categories.includes(category));
  for (const name of only) {
    if (asked.some((check) => isCalled(check, name))) continue;
    const known = [...new Set(asked.flatMap(({ id, tool }) => [tool, id]))];
    throw new UserError({
      code: 'checks.unknown',
      message: `Unknown check "${name}"${didYouMean(name, known)}`,
      hint:
        asked.length === 0
          ? 'This repository has nothing to check.'
          : `Available: ${asked.map(({ id }) => id).join(', ')}.`,
    });
  }
  return only.length === 0 ? asked : asked.filter((check) => only.some((name) => isCalled(check, name)));
}

function isCalled({ id, tool }: PlannedCheck, name: string): boolean {
  return id === name || tool === name;
}

export function planText(checks: readonly PlannedCheck[], settings: CheckSettings): string {
  if (checks.length === 0) return 'This repository has nothing to check';
  const width = Math.max(...checks.map(({ id }) => id.length));
  const lines = checks.map((check) => {
    const reason = skipReason(check, settings);
    const words = reason === undefined ? check.command : `skipped: ${reason}`;
    return `  ${check.id.padEnd(width)}  ${words}\n  ${' '.repeat(width)}    ${check.why}`;
  });
  const skipped = checks.filter((check) => skipReason(check, settings) !== undefined).length;
  const running = checks.length - skipped;
  const head = `${running} ${running === 1 ? 'check' : 'checks'} would run${skipped === 0 ? '' : `, ${skipped} skipped by sluice.yml`}`;
  const parts = (['lint', 'test', 'scan'] as const).flatMap((category) => {
    const own = lines.filter((_, index) => checks[index]?.category === category);
    return own.length === 0 ? [] : ['', category, ...own];
  });
  return [head, ...parts].join('\n');
}
