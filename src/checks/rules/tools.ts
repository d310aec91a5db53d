import type { Config } from '../../config/model.ts';
import { counted } from '../../kernel/figures.ts';
import type { CheckOutput, Finding } from '../model.ts';
import type { Repo } from '../repo.ts';
import type { PlannedCheck, Tool } from '../tool.ts';
import { type App, studyApp } from './app.ts';
import { worstBudget } from './capacity/connections.ts';
import { memorySum } from './capacity/memory.ts';
import { capacityRules, composeRules, dockerfileRules, envRules, ruleIds } from './catalogue.ts';
import { composeUses } from './env/example.ts';
import { valueFiles } from './env/files.ts';
import { judgeIgnores, withoutIgnored } from './ignores.ts';
import { apply, toolName } from './rule.ts';

/** A check of Sluice's own rules for the files that define how an app is built and run. It only reads files. */
interface OwnCheck {
  readonly id: string;
  /** The files it reads, for the plan; undefined if there are none. */
  why(app: App): string | undefined;
  /** Files that may hold comments that ignore rules. */
  files(app: App): readonly string[];
  find(app: App): readonly Finding[];
  summary(app: App): string;
  /** Why it cannot judge the app. */
  trouble?(app: App): string | undefined;
}

const checks: readonly OwnCheck[] = [
  {
    id: 'dockerfile',
    why: ({ images }) => named(images.map(({ path }) => path)),
    files: ({ images }) => images.map(({ path }) => path),
    find: ({ images }) => images.flatMap((image) => apply(dockerfileRules, image)),
    summary: dockerfileSummary,
  },
  {
    id: 'compose',
    why: (app) => named(composePaths(app)),
    files: composePaths,
    find: (app) => apply(composeRules, app),
    summary: (app) =>
      app.services.length === 0
        ? `no services in ${named(composePaths(app))}`
        : counted(app.services.length, 'service'),
    trouble: (app) => unreadableFiles(app) ?? hiddenServices(app),
  },
  {
    id: 'env',
    why: (app) => (envParts(app).length === 0 ? undefined : named([...envPaths(app), ...composePaths(app)])),
    files: envPaths,
    find: (app) => apply(envRules, app),
    summary: (app) => envParts(app).join(', '),
  },
  {
    id: 'capacity',
    why: ({ project, services }) =>
      services.length === 0 ? undefined : named(project?.all.map(({ path }) => path) ?? []),
    // Its comments are in the compose files, and judged with them.
    files: () => [],
    find: (app) => apply(capacityRules, app),
    summary: capacitySummary,
    trouble: unreadableFiles,
  },
];

/**
 * Sluice's own four checks: `dockerfile`, `compose`, `env` and `capacity`.
 *
 * @param config sluice.yml, where the repository has one: its `compose:` names the files, its `services:`
 *   has settings. Without it the files are guessed, as `sluice init` does.
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

function dockerfileSummary({ images, idle }: App): string {
  const seen = counted(images.length, 'Dockerfile');
  if (idle.length === 0) return seen;
  const verb = idle.length === 1 ? 'is' : 'are';
  return `${seen}; ${named(idle)} ${verb} not built for production as far as Sluice can see`;
}

/** The inputs of the check of variables. */
function envParts(app: App): string[] {
  const { project, services } = app;
  const files = envPaths(app).length;
  const variables = new Set(composeUses(app).map(({ name }) => name)).size;
  const set = services.filter(({ name }) => Object.keys(project?.written(name) ?? {}).length > 0).length;
  return [
    ...(files === 0 ? [] : [counted(files, 'env file')]),
    ...(variables === 0 ? [] : [counted(variables, 'variable')]),
    ...(set === 0 ? [] : [`environment of ${counted(set, 'service')}`]),
  ];
}

function capacitySummary(app: App): string {
  const budget = worstBudget(app)?.budget;
  const connections = budget === undefined ? [] : [`${budget.needed} of ${budget.available} connections`];
  const parts = [memorySum(app) ?? [], connections].flat();
  return parts.length === 0 ? 'no limits to add up' : parts.join(', ');
}

function envPaths(app: App): readonly string[] {
  const main = app.example === undefined ? [] : [app.example.path];
  const examples = app.examples.map(({ path }) => path);
  return [...new Set([...main, ...examples, ...valueFiles(app).map(({ path }) => path)])];
}

function composePaths({ project, unreadable }: App): readonly string[] {
  return [...(project?.all.map(({ path }) => path) ?? []), ...unreadable];
}

/** If Compose starts no service, the rules have nothing to judge. */
function hiddenServices({ project, services }: App): string | undefined {
  const hidden = Object.keys(project?.hidden ?? {});
  if (services.length > 0 || hidden.length === 0) return undefined;
  return `every service (${named(hidden)}) is behind an inactive profile; set COMPOSE_PROFILES to the profiles of production in .env or .env.example`;
}

function unreadableFiles({ unreadable }: App): string | undefined {
  if (unreadable.length === 0) return undefined;
  return `${unreadable.join(', ')} cannot be read as a compose file; run docker compose config to see the error`;
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
