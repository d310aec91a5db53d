import { posix } from 'node:path';

/**
 * The purpose of a compose file, by its name and its folders:
 * - `production`, `staging`, `development`: a word in the name, else in the nearest folder that has one;
 * - `example`: a file to be copied (`docker-compose.yml.example`);
 * - `neutral`: none of these.
 */
export type ComposePurpose = 'production' | 'neutral' | 'staging' | 'example' | 'development';

/** In the order in which `docker compose` looks for them. */
export const baseNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

const suffix = /\.ya?ml(?:[._-]?(?:example|sample|template|tpl|dist|default))?$/i;
const composeWords = new Set(['compose', 'stack', 'swarm', 'dockercompose', 'dockerstack']);
/** Cookiecutter Django and others name a file only by its purpose. */
const purposeName = /^(?:production|prod|staging|local)\.ya?ml$/i;

const development = new Set([
  ...[
    'override',
    'dev',
    'devenv',
    'devel',
    'develop',
    'development',
    'developer',
    'devcontainer',
    'local',
    'localhost',
  ],
  ...['test', 'tests', 'testing', 'ci', 'e2e', 'integration', 'cypress', 'playwright', 'bench', 'benchmark'],
  ...['debug', 'sandbox', 'playground', 'mock', 'mocks', 'lint', 'watch', 'dind'],
]);
const production = new Set(['prod', 'production', 'live']);
/** Words that mean production in the name of a file; a folder of such a name may hold anything. */
const productionFile = new Set([...production, 'deploy', 'deployment', 'server', 'release']);
const staging = new Set(['staging', 'stage', 'preview', 'uat', 'qa']);
const example = new Set(['example', 'sample', 'template', 'tpl', 'dist', 'default']);

/** Folders whose compose files are rarely the app itself. */
const aside = new Set([
  ...['example', 'examples', 'sample', 'samples', 'demo', 'demos', 'doc', 'docs', 'test', 'tests', 'testing'],
  ...['fixture', 'fixtures', 'testdata', 'e2e', 'bench', 'benchmark', 'benchmarks', 'integration', 'contrib'],
  ...['website', 'template', 'templates', 'archive', 'legacy', 'old', 'deprecated', 'third_party'],
]);
const likely = new Set([
  ...['deploy', 'deployment', 'deployments', 'docker', 'infra', 'infrastructure', 'ops', 'compose', 'server'],
  ...[
    'docker-compose',
    'hosting',
    'selfhost',
    'self-host',
    'selfhosted',
    'self-hosted',
    'install',
    'container',
  ],
  ...['containers', 'stack', 'stacks', 'swarm', ...production],
]);
/** Hidden folders that hold what runs the app; all others (`.github`, `.devcontainer`) belong to tools. */
const shown = new Set(['.docker', '.deploy', '.deployment', '.compose', '.infra', '.prod', '.production']);

/** Whether a file of this path may be a compose file by its name; its content has to be one, too. */
export function isComposeName(path: string): boolean {
  return hasComposeName(path) && !isHiddenFolder(path);
}

/** The same for files of any folder: `.devcontainer/docker-compose.yml` is one, and never the app in production. */
export function hasComposeName(path: string): boolean {
  const name = posix.basename(path);
  return (
    suffix.test(name) && (purposeName.test(name) || wordsOf(name).some((word) => composeWords.has(word)))
  );
}

/** Whether a file could be a compose file under another name: any YAML file that no tool is known to own. */
export function mayBeCompose(path: string): boolean {
  const name = posix.basename(path);
  return (
    /\.ya?ml$/i.test(name) &&
    !isHiddenFolder(path) &&
    !isComposeName(path) &&
    // Tools' own files, and Helm charts and playbooks: none has compose services, and there may be thousands.
    !/^(?:\.|_|sluice\.|mkdocs|openapi|swagger|pnpm-|codecov|cloudbuild|serverless|values|chart\.)/i.test(
      name,
    ) &&
    !/(?:^|\/)(?:k8s|kubernetes|helm|charts?|ansible|roles|playbooks|manifests|locales?|i18n|translations)\//i.test(
      path,
    )
  );
}

/** The purpose of a compose file; words of the name count more than those of folders. */
export function purposeOf(path: string): ComposePurpose {
  const words = wordsOf(posix.basename(path));
  const has = (set: ReadonlySet<string>, all: readonly string[] = words) => all.some((word) => set.has(word));
  if (has(development)) return 'development';
  if (has(productionFile)) return 'production';
  if (has(staging)) return 'staging';
  if (has(example)) return 'example';
  for (const folder of foldersOf(path).toReversed()) {
    const parts = wordsOf(folder);
    if (has(development, parts)) return 'development';
    if (has(production, parts)) return 'production';
    if (has(staging, parts)) return 'staging';
  }
  return 'neutral';
}

/** `docker-compose.override.yml.example`: people copy it and fill in what their server needs. */
export function isOverrideExample(path: string): boolean {
  const words = wordsOf(posix.basename(path));
  return words.includes('override') && words.some((word) => example.has(word));
}

/** Whether a profile is one for developers: examples list some that do not run on a server. */
export function isAsideProfile(profile: string): boolean {
  const words = wordsOf(profile.trim());
  return words.some((word) => development.has(word) || /^(?:assets|tools?|seed|frontend-dev)$/.test(word));
}

/** Whether a folder of the path shows that its files are not the app: examples, documentation, tests. */
export function isAside(path: string): boolean {
  return foldersOf(path).some((folder) => aside.has(folder.toLowerCase()));
}

/** Whether the names of all folders of the path suggest a deployment. */
export function isTelling(path: string): boolean {
  return foldersOf(path).every((folder) => likely.has(folder.replace(/^\./, '').toLowerCase()));
}

/** Folder of a path; empty at the top. */
export function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}

/** How many words a name has besides those that make it a compose file: `docker-compose.prod.yml` has one. */
export function extraWords(path: string): number {
  return wordsOf(posix.basename(path)).filter((word) => !composeWords.has(word) && word !== 'docker').length;
}

/** Whether a file is in a folder that belongs to a tool: `.github`, `.devcontainer`, `.cursor`. */
export function isHiddenFolder(path: string): boolean {
  return foldersOf(path).some((folder) => folder.startsWith('.') && !shown.has(folder));
}

function foldersOf(path: string): string[] {
  const folder = folderOf(path);
  return folder === '' ? [] : folder.split('/');
}

function wordsOf(name: string): string[] {
  return name
    .toLowerCase()
    .replace(/\.ya?ml(?=$|[._-])/, '')
    .split(/[._\s-]+/)
    .filter((word) => word !== '');
}
