import { posix } from 'node:path';

/** A compose file as the choice among several sees it: its path, and its services as they stand there. */
export interface ComposeCandidate {
  readonly path: string;
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface ComposeChoice<File extends ComposeCandidate> {
  /** Later ones over earlier ones. */
  readonly files: readonly File[];
  /** Why these, as the end of a sentence. */
  readonly why: string;
  /** Beside them, and not used: path, and why. */
  readonly unused: readonly { readonly path: string; readonly why: string }[];
  /** Compose files in other folders. */
  readonly elsewhere: readonly string[];
}

/** In the order `docker compose` looks for them. */
export const baseNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const production =
  /^(?:(?:docker-)?compose[.-](?:prod|production|deploy|server|live)|production|prod)\.ya?ml$/;
const development =
  /[.-](?:override|dev|devel|development|local|test|tests|ci|e2e|debug)\.ya?ml$|^local\.ya?ml$/;
/** Names of compose files, whatever they are for. */
export const composeName = /^(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml$|^(?:production|prod|local)\.ya?ml$/;
/** Folders whose compose files are seldom the app itself. */
const aside = /^(?:examples?|samples?|demos?|docs?|tests?|fixtures|e2e|bench|devcontainer)$/;
const likely = ['deploy', 'deployment', 'docker', 'infra', 'ops', 'compose', 'server'];

/** Those that production is made of; undefined if there are none at all. */
export function chooseCompose<File extends ComposeCandidate>(
  all: readonly File[],
): ComposeChoice<File> | undefined {
  const folders = [...new Set(all.map(({ path }) => folderOf(path)))].sort(byLikelihood);
  const [folder] = folders;
  if (folder === undefined) return undefined;
  const here = all.filter(({ path }) => folderOf(path) === folder);
  const { files, why } = chooseIn(here);
  const unused = here
    .filter((file) => !files.includes(file))
    .map(({ path }) => ({ path, why: whyUnused(path) }));
  const elsewhere = all.filter(({ path }) => folderOf(path) !== folder).map(({ path }) => path);
  return { files, why, unused, elsewhere };
}

function chooseIn<File extends ComposeCandidate>(
  here: readonly File[],
): Pick<ComposeChoice<File>, 'files' | 'why'> {
  const named = (test: (name: string) => boolean) => here.find(({ path }) => test(nameOf(path)));
  const base = baseNames.map((name) => named((each) => each === name)).find((file) => file !== undefined);
  const prod = named((name) => production.test(name));
  if (base !== undefined && prod !== undefined) {
    if (isWhole(prod))
      return { files: [prod], why: `every service of ${nameOf(prod.path)} is complete, so it stands alone` };
    return { files: [base, prod], why: `${nameOf(prod.path)} goes over ${nameOf(base.path)}` };
  }
  const one = base ?? prod ?? named((name) => !development.test(name)) ?? here[0];
  if (one === undefined) return { files: [], why: '' };
  const isDevelopment = one !== base && one !== prod && development.test(nameOf(one.path));
  return {
    files: [one],
    why: isDevelopment
      ? 'the only one there is; is it meant for production?'
      : 'the compose file of this repository',
  };
}

/** An overlay leaves image and build to the file below it. */
function isWhole({ services }: ComposeCandidate): boolean {
  const all = Object.values(services);
  return (
    all.length > 0 && all.every((service) => 'image' in service || 'build' in service || 'extends' in service)
  );
}

function whyUnused(path: string): string {
  if (/override/.test(nameOf(path)))
    return 'docker compose adds it on a developer’s machine; production does not';
  return development.test(nameOf(path))
    ? 'its name says that it is for development'
    : 'production does not seem to need it';
}

/** The app's own compose file is near the top; beside others, in a folder with a telling name. */
function byLikelihood(a: string, b: string): number {
  const rank = (folder: string) => {
    const parts = folder === '' ? [] : folder.split('/');
    const isAside = parts.some((part) => aside.test(part));
    const telling = parts.length === 0 || likely.includes(parts.at(-1) ?? '');
    return (isAside ? 100 : 0) + parts.length * 2 + (telling ? 0 : 1);
  };
  return rank(a) - rank(b) || (a < b ? -1 : 1);
}

function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === '.' ? '' : folder;
}

function nameOf(path: string): string {
  return posix.basename(path);
}
