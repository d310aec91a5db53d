import { join } from 'node:path';
import type { ImageAnswers } from '../../config/images/service-images.ts';
import type { ComposeModel } from '../../config/model.ts';
import { isSecretName } from '../../config/secrets/secret-names.ts';
import { notHandled } from '../next-steps/not-handled.ts';
import { enumerate } from '../render/words.ts';
import { isDefault } from '../study/compose-files.ts';
import { composeNotes, profilesExample } from '../study/compose-notes.ts';
import type { Seen } from '../study/repository.ts';
import type { ServiceSight } from '../study/services.ts';
import { folderOf, nameOf } from '../study/tree.ts';
import { buildVariables } from '../study/variables.ts';
import {
  type DatabaseGuess,
  guessBackup,
  guessMigration,
  type MigrationGuess,
  otherMigrations,
} from './database.ts';
import { guessRegistry, loginsNeeded, registryNotes } from './registry.ts';
import { guessServices, type ServiceGuess } from './services.ts';
import { guessSite, type SiteGuess } from './site.ts';
import { guessTargets, type TargetGuess, type TargetWishes } from './targets.ts';

/** A value, and where it comes from: the end of a comment. */
export interface Told<T> {
  readonly value: T;
  readonly why: string;
}

/** What sluice.yml is to say. */
export interface Guess {
  readonly app: Told<string>;
  readonly compose: Told<readonly string[]> & { readonly explicit: boolean };
  readonly registry: Told<string | undefined>;
  /** Registries that images are pushed to with a user and a password. */
  readonly logins: readonly string[];
  readonly services: readonly ServiceGuess[];
  readonly migrate: MigrationGuess | undefined;
  readonly backup: DatabaseGuess | undefined;
  readonly targets: readonly TargetGuess[];
  /** A front end that is, or could be, published to a CDN. */
  readonly site: SiteGuess | undefined;
  /** The compose files take secrets or settings from the target. */
  readonly needsVariables: boolean;
  /** Where the callers can be used: GitHub, or a repository that has no remote yet. */
  readonly onGitHub: boolean;
  /** What a deploy will not do, one sentence each. */
  readonly notHandled: readonly string[];
  /** What a person should know before the first deploy, one sentence each. */
  readonly notes: readonly string[];
}

/** Everything that can be said of a repository, from what was seen. Pure: the same sight gives the same guess. */
export function guess(
  seen: Seen,
  model: ComposeModel | undefined,
  sights: readonly ServiceSight[],
  wishes: TargetWishes,
  answers: ImageAnswers = { images: {}, unread: {} },
): Guess {
  const registry = guessRegistry(seen, model);
  const services = model === undefined ? [] : guessServices(model, sights, registry.value, answers);
  const { remote } = seen.git;
  const onGitHub = remote === undefined || remote.host.includes('github');
  const draft = {
    app: guessApp(seen),
    compose: guessCompose(seen),
    registry,
    logins: loginsNeeded(model, registry.value),
    services,
    migrate: model === undefined ? undefined : guessMigration(services, sights, model),
    backup: model === undefined ? undefined : guessBackup(model, services, sights),
    targets: guessTargets(seen.present, wishes, seen.presentText, onGitHub),
    site: guessSite(seen),
    needsVariables: needsVariables(seen),
    onGitHub,
  };
  const { tree } = seen;
  const chosen = draft.compose.value;
  const unhandled = notHandled({ ...draft, tree, model, chosen });
  return {
    ...draft,
    notHandled: [...composeNotes(seen, model), ...unhandled, ...otherMigrations(draft.migrate, sights)],
    notes: [...notesOf(seen, model, draft), ...unreadNotes(answers)],
  };
}

/** The name of the app, as sluice.yml has it, else as the compose file or the repository is called. */
export function guessApp(seen: Seen): Told<string> {
  const told = nameFound(seen);
  // A second run must say what the first one said.
  if (seen.present === undefined || seen.present.app === told.value) return told;
  return { value: seen.present.app, why: 'As sluice.yml said before.' };
}

function nameFound({ compose, git, folder, below }: Seen): Told<string> {
  const named = compose?.files.find(({ name }) => name !== undefined && appName(name) === name);
  if (named?.name !== undefined) return { value: named.name, why: `As \`name:\` of ${named.path} says.` };
  const repository = below === '' ? git.remote?.path.split('/').at(-1) : undefined;
  const why = repository === undefined ? 'Named after this folder.' : 'Named after the repository.';
  return {
    value: appName(repository ?? folder.split('/').at(-1) ?? ''),
    why: `${why} Runs it on the server already? Then its project’s name in \`docker compose ls\`, and it is adopted.`,
  };
}

/** The nearest name that an app may have. */
export function appName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+|(?<!-)-+$/g, '')
    .slice(0, 50);
  return name === '' ? 'app' : name;
}

function guessCompose({ compose, composeFiles }: Seen): Guess['compose'] {
  const value = compose?.files.map(({ path }) => path) ?? [];
  const explicit = compose !== undefined && !isDefault(compose, composeFiles);
  return { value, why: `Which of the compose files: ${compose?.why}.`, explicit };
}

function needsVariables({ variables, envFiles, examples, compose, tree }: Seen): boolean {
  const isOurs = (path: string) => /(?:^|\/)\.env(?:\.[^/]+)?$|\.env$/.test(path);
  const folder = folderOf(compose?.files[0]?.path ?? '');
  // A file such as app.env that is there is part of the repository; `.env` is the one that stays on a machine.
  const isPart = (path: string) =>
    !/^\.env(?:$|\.)/.test(nameOf(path)) && tree.files.includes(join(folder, path));
  return (
    envFiles.some(({ path }) => isOurs(path) && !isPart(path)) ||
    profilesExample({ examples, compose }) !== undefined ||
    variables.some(({ name, fallback }) => fallback === undefined || isSecretName(name))
  );
}

/** A strategy that hangs on an image which could not be asked may change with the answer. */
function unreadNotes({ unread }: ImageAnswers): string[] {
  const names = Object.keys(unread);
  const [first] = names;
  if (first === undefined) return [];
  return [
    `Not known here: which ports and volumes the ${names.length === 1 ? 'image' : 'images'} of ${enumerate(names)} declare (${unread[first]}). \`sluice plan\` asks again.`,
  ];
}

function notesOf(
  seen: Seen,
  model: ComposeModel | undefined,
  draft: Omit<Guess, 'notes' | 'notHandled'>,
): string[] {
  const notes: string[] = [];
  const { remote } = seen.git;
  const own = remote?.host === 'github.com' ? `ghcr.io/${remote.path.toLowerCase()}` : undefined;
  const { value: registry } = draft.registry;
  const builds = Object.values(model?.services ?? {}).some(({ build }) => build !== undefined);
  if (
    registry?.startsWith('ghcr.io/') &&
    own !== undefined &&
    registry !== own &&
    !registry.startsWith(`${own}/`)
  ) {
    notes.push(
      `The images lie at ${registry}, and the token of this repository’s workflows may push to ${own} only: change \`image:\` in the compose files, or its variables.`,
    );
  }
  if (registry === undefined && builds && draft.logins.length === 0)
    notes.push('No registry is known for the images that are built: set `registry:` in sluice.yml.');
  notes.push(...registryNotes(model, registry, remote));
  if (!draft.onGitHub) {
    notes.push(
      `The remote is ${remote?.host}, so no GitHub workflows are written. In its CI, \`sluice build\` and \`sluice deploy\` do the same.`,
    );
  }
  notes.push(...buildNotes(seen, draft.onGitHub, builds));
  for (const { path, sign } of seen.otherDeploys) {
    notes.push(
      `${path} seems to deploy, too (${sign}): switch it off before the first deploy with Sluice, or both will.`,
    );
  }
  const { site } = draft;
  if (site?.front !== undefined && site.section === undefined)
    notes.push(
      `${site.front.folder === '' ? 'The front end' : `The front end in ${site.front.folder}`} can go to a bucket behind a CDN: sluice.yml has the lines, as a comment.`,
    );
  return [...notes, ...adviceFor(draft.services, model)];
}

/** The job that builds belongs to no target, and so has no variables of one. */
function buildNotes({ compose, variables }: Seen, onGitHub: boolean, builds: boolean): string[] {
  const unset = new Set(variables.flatMap(({ name, fallback }) => (fallback === undefined ? [name] : [])));
  const needed = buildVariables(compose?.files ?? []).filter((name) => unset.has(name));
  const [first] = needed;
  if (first === undefined || !onGitHub || !builds) return [];
  const list = enumerate(needed.length > 5 ? [...needed.slice(0, 4), `${needed.length - 4} more`] : needed);
  return [
    `The build needs ${list}, and on GitHub the jobs that build have no variables of a target: set ${needed.length === 1 ? 'a default' : 'defaults'} in the compose file (\${${first}:-value}) or in a .env that git has. With --own-jobs the job that builds for a deploy can have others below \`env:\`.`,
  ];
}

/** What would make deploys safer. */
function adviceFor(services: readonly ServiceGuess[], model: ComposeModel | undefined): string[] {
  const advice: string[] = [];
  const has = (names: readonly string[]) => `${enumerate(names)} ${names.length === 1 ? 'has' : 'have'}`;
  const blind = services.filter(
    ({ plan }) =>
      plan.strategy === 'blue-green' && plan.ports[0]?.mode === 'http' && plan.health === undefined,
  );
  if (blind.length > 0) {
    advice.push(
      `${has(blind.map(({ name }) => name))} no health path: a new version counts as well as soon as its port is open.`,
    );
  }
  for (const { name, maybe } of services) {
    if (maybe === undefined) continue;
    advice.push(`${name}: ${maybe.when.replace(/^If/, 'if')}: sluice.yml has the line, as a comment.`);
  }
  const unlimited = services.filter(({ name, plan }) => {
    const service = model?.services[name];
    const isTwice = plan.strategy === 'blue-green' || plan.strategy === 'workers';
    return (
      isTwice &&
      service?.deploy?.resources?.limits?.memory === undefined &&
      service?.['mem_limit'] === undefined
    );
  });
  if (unlimited.length > 0) {
    advice.push(
      `${has(unlimited.map(({ name }) => name))} no memory limit, and during a deploy two versions run at once.`,
    );
  }
  return advice;
}
