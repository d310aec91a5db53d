import type { Config } from '../../config/model.ts';
import { counted } from '../../report/figures.ts';
import type { CheckOutput, Finding } from '../model.ts';
import type { Repo } from '../repo.ts';
import type { PlannedCheck, Tool } from '../tool.ts';
import { type App, studyApp } from './app.ts';
import { worstBudget } from './capacity-connections.ts';
import { memorySum } from './capacity-memory.ts';
import { capacityRules, composeRules, dockerfileRules, envRules, ruleIds } from './catalogue.ts';
import { composeUses } from './env-example.ts';
import { valueFiles } from './env-files.ts';
import { judgeIgnores, withoutIgnored } from './ignores.ts';
import { apply, toolName } from './rule.ts';

/** Our own rules for the files that say how an app is built and run. They are read, and nothing is started. */
interface OwnCheck {
  readonly id: string;
  /** What it looks at, for the plan; undefined: there is nothing to look at. */
  why(app: App): string | undefined;
  /** Files that may hold comments that ignore rules. */
  files(app: App): readonly string[];
  find(app: App): readonly Finding[];
  summary(app: App): string;
  /** Why it can't say anything. */
  trouble?(app: App): string | undefined;
}

const checks: readonly OwnCheck[] = [
  {
    id: 'dockerfile',
    why: ({ images }) => named(images.map(({ path }) => path)),
    files: ({ images }) => images.map(({ path }) => path),
    find: ({ images }) => images.flatMap((image) => apply(dockerfileRules, image)),
    summary: ({ images }) => counted(images.length, 'Dockerfile'),
  },
  {
    id: 'compose',
    why: (app) => named(composePaths(app)),
    files: composePaths,
    find: (app) => apply(composeRules, app),
    summary: ({ services }) => counted(services.length, 'service'),
    trouble: unreadableFiles,
  },
  {
    id: 'env',
    why: (app) => named([...envPaths(app), ...composePaths(app)]),
    files: envPaths,
    find: (app) => apply(envRules, app),
    summary: (app) =>
      `${counted(envPaths(app).length, 'env file')}, ${counted(new Set(composeUses(app).map(({ name }) => name)).size, 'variable')}`,
  },
  {
    id: 'capacity',
    why: ({ project }) => named(project?.all.map(({ path }) => path) ?? []),
    // Its comments stand in the compose files, and are judged with them.
    files: () => [],
    find: (app) => apply(capacityRules, app),
    summary: capacitySummary,
    trouble: unreadableFiles,
  },
];

/**
 * Four checks of our own: `dockerfile`, `compose`, `env` and `capacity`.
 *
 * @param config sluice.yml, where the repository has one: its `compose:` says which files count, its `services:` what
 *   is known of them. Without it the files are guessed, as `sluice init` does.
 */
export function ownTools(config?: Config): readonly Tool[] {
  return [
    {
      name: toolName,
      category: 'lint',
      plan(repo) {
        const app = studyApp(repo, config);
        return checks.flatMap((check) => planned(check, app) ?? []);
      },
    },
  ];
}

function capacitySummary(app: App): string {
  const budget = worstBudget(app)?.budget;
  const connections = budget === undefined ? [] : [`${budget.needed} of ${budget.available} connections`];
  const parts = [memorySum(app) ?? [], connections].flat();
  return parts.length === 0 ? 'nothing to add up' : parts.join(', ');
}

function envPaths(app: App): readonly string[] {
  const example = app.example === undefined ? [] : [app.example.path];
  return [...example, ...valueFiles(app).map(({ path }) => path)];
}

function composePaths({ project, unreadable }: App): readonly string[] {
  return [...(project?.all.map(({ path }) => path) ?? []), ...unreadable];
}

function unreadableFiles({ unreadable }: App): string | undefined {
  if (unreadable.length === 0) return undefined;
  return `${unreadable.join(', ')} can’t be read as a compose file: docker compose config says what is wrong`;
}

function planned(check: OwnCheck, app: App): PlannedCheck | undefined {
  const why = check.why(app);
  if (why === undefined) return undefined;
  return {
    id: check.id,
    tool: toolName,
    category: 'lint',
    folder: '',
    why,
    command: `sluice check --only ${check.id}`,
    needs: [],
    cost: { cores: 1, memory: 64 * 2 ** 20, seconds: 1 },
    timeoutMs: 60_000,
    run: async () => outputOf(check, app),
  };
}

function outputOf(check: OwnCheck, app: App): CheckOutput {
  const trouble = check.trouble?.(app);
  if (trouble !== undefined) return { ran: false, why: trouble };
  const findings = [...check.find(app), ...judgeIgnores(commented(check.files(app), app.repo), ruleIds)];
  const kept = withoutIgnored(findings, (path) => app.repo.read(path));
  return { ran: true, findings: kept.sort(byPlace), summary: check.summary(app) };
}

function commented(paths: readonly string[], repo: Repo): { path: string; text: string }[] {
  return [...new Set(paths)].map((path) => ({ path, text: repo.read(path) ?? '' }));
}

function byPlace(a: Finding, b: Finding): number {
  const file = (a.at?.file ?? '').localeCompare(b.at?.file ?? '', 'en');
  return file || (a.at?.line ?? 0) - (b.at?.line ?? 0) || a.rule.localeCompare(b.rule, 'en');
}

function named(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return undefined;
  const more = paths.length > 3 ? ` and ${paths.length - 3} more` : '';
  return `${paths.slice(0, 3).join(', ')}${more}`;
}
