import { join } from 'node:path';
import type { ImageAnswers } from '../../config/images/service-images.ts';
import type { ComposeModel, Config } from '../../config/model.ts';
import { isSecretName } from '../../config/secrets/secret-names.ts';
import { quoteWords } from '../../kernel/quote.ts';
import { enumerate } from '../render/terminal.ts';
import { flow, scalar, sectionOf } from '../render/yaml.ts';
import { isDefault } from '../study/compose-files.ts';
import { composeNotes, profilesExample } from '../study/compose-notes.ts';
import type { FrontGuess } from '../study/front.ts';
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
import { notHandled } from './not-handled.ts';
import { type Explained, guessRegistry, loginsNeeded, registryNotes } from './registry.ts';
import { guessServices, type ServiceGuess } from './services.ts';
import { guessTargets, type TargetGuess, type TargetWishes } from './targets.ts';

export interface Guess {
  readonly app: Explained<string>;
  readonly compose: Explained<readonly string[]> & { readonly explicit: boolean };
  readonly registry: Explained<string | undefined>;
  /** Registries that images are pushed to with a user and a password. */
  readonly logins: readonly string[];
  readonly services: readonly ServiceGuess[];
  readonly migrate: MigrationGuess | undefined;
  readonly backup: DatabaseGuess | undefined;
  readonly targets: readonly TargetGuess[];
  readonly site: SiteGuess | undefined;
  /** The compose files take secrets or settings from the target. */
  readonly needsVariables: boolean;
  /** Whether GitHub workflows can run: a remote on GitHub, or no remote yet. */
  readonly onGitHub: boolean;
  /** Parts of the app that a deploy does not handle, one sentence each. */
  readonly notHandled: readonly string[];
  /** Notes to read before the first deploy, one sentence each. */
  readonly notes: readonly string[];
}

/** Derives the guess from the facts of a repository. Pure: the same facts give the same guess. */
export function guess(
  seen: Seen,
  model: ComposeModel | undefined,
  sights: readonly ServiceSight[],
  wishes: TargetWishes,
  answers: ImageAnswers = { images: {}, unread: {} },
): Guess {
  const registry = guessRegistry(seen, model);
  const services =
    model === undefined ? [] : guessServices(model, sights, registry.value, answers, presentServices(seen));
  const { remote } = seen.git;
  const onGitHub = remote === undefined || remote.host.includes('github');
  const draft = {
    app: guessApp(seen),
    compose: guessCompose(seen),
    registry,
    logins: loginsNeeded(model, registry.value),
    services,
    migrate:
      presentMigration(seen) ?? (model === undefined ? undefined : guessMigration(services, sights, model)),
    backup: withPresentBackup(
      model === undefined ? undefined : guessBackup(model, services, sights),
      seen.present,
    ),
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

/** `services:` of the existing sluice.yml; undefined where the file has none. */
function presentServices({ present, presentText }: Seen): Config['services'] | undefined {
  return sectionOf(presentText ?? '', 'services') === undefined ? undefined : present?.services;
}

function presentMigration({ present }: Seen): MigrationGuess | undefined {
  if (present?.migrate === undefined) return undefined;
  const { service, command } = present.migrate;
  const text = typeof command === 'string' ? command : quoteWords(command);
  return { service, command: text, why: 'sluice.yml', instead: undefined };
}

function withPresentBackup(
  found: DatabaseGuess | undefined,
  present: Config | undefined,
): DatabaseGuess | undefined {
  if (present?.backup === undefined) return found;
  const { service: postgres } = present.backup;
  if (found?.postgres === postgres) return found;
  const others = (found?.others ?? []).filter((other) => !other.startsWith(`${postgres} (`));
  return { postgres, why: 'sluice.yml names it', others };
}

/** The name of the app, as sluice.yml has it, else as the compose file or the repository is called. */
export function guessApp(seen: Seen): Explained<string> {
  const found = nameFound(seen);
  // A second run must give the same name as the first.
  if (seen.present === undefined || seen.present.app === found.value) return found;
  return { value: seen.present.app, why: 'Kept from the existing sluice.yml.' };
}

function nameFound({ compose, git, folder, below }: Seen): Explained<string> {
  const named = compose?.files.find(({ name }) => name !== undefined && appName(name) === name);
  if (named?.name !== undefined) return { value: named.name, why: `From \`name:\` in ${named.path}.` };
  const repository = below === '' ? git.remote?.path.split('/').at(-1) : undefined;
  const why = repository === undefined ? 'Named after this folder.' : 'Named after the repository.';
  return {
    value: appName(repository ?? folder.split('/').at(-1) ?? ''),
    why: `${why} If the app already runs on the server, use its project name from \`docker compose ls\`: the first deploy adopts it.`,
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
  return {
    value,
    why: `Why ${value.length === 1 ? 'this file' : 'these files'}: ${compose?.why}.`,
    explicit,
  };
}

function needsVariables({ variables, envFiles, examples, compose, tree }: Seen): boolean {
  const isOurs = (path: string) => /(?:^|\/)\.env(?:\.[^/]+)?$|\.env$/.test(path);
  const folder = folderOf(compose?.files[0]?.path ?? '');
  // An existing file such as app.env is part of the repository; `.env` stays on a machine.
  const isPart = (path: string) =>
    !/^\.env(?:$|\.)/.test(nameOf(path)) && tree.files.includes(join(folder, path));
  return (
    envFiles.some(({ path }) => isOurs(path) && !isPart(path)) ||
    profilesExample({ examples, compose }) !== undefined ||
    variables.some(({ name, fallback }) => fallback === undefined || isSecretName(name))
  );
}

/** A strategy that depends on an unreadable image can change once the image is read. */
function unreadNotes({ unread }: ImageAnswers): string[] {
  const names = Object.keys(unread);
  const [first] = names;
  if (first === undefined) return [];
  return [
    `Cannot read the ports and volumes that the ${names.length === 1 ? 'image' : 'images'} of ${enumerate(names)} declare (${unread[first]}). \`sluice plan\` tries again.`,
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
      `The images belong to ${registry}, but this repository’s workflow token can push only to ${own}. Change \`image:\` in the compose files, or its variables.`,
    );
  }
  if (registry === undefined && builds && draft.logins.length === 0)
    notes.push('No registry found for the images that are built. Set `registry:` in sluice.yml.');
  notes.push(...registryNotes(model, registry, remote));
  if (!draft.onGitHub) {
    notes.push(
      `The remote is ${remote?.host}, so \`sluice init\` writes no GitHub workflows. In its CI, run \`sluice build\` and \`sluice deploy\`.`,
    );
  }
  notes.push(...buildNotes(seen, draft.onGitHub, builds));
  for (const { path, sign } of seen.otherDeploys) {
    notes.push(
      `${path} also appears to deploy (${sign}). Disable it before the first deploy with Sluice, or both will deploy.`,
    );
  }
  const { site } = draft;
  if (site?.front !== undefined && site.section === undefined)
    notes.push(
      `${site.front.folder === '' ? 'The front end' : `The front end in ${site.front.folder}`} can be published to a bucket behind a CDN. sluice.yml has the lines, commented out.`,
    );
  if (site !== undefined && site.front === undefined && draft.onGitHub)
    notes.push(
      `No front end with a known build tool found, so the CDN workflow publishes ${seen.present?.cdn?.dist} as git has it. If a build creates this folder, set the build command in the workflow.`,
    );
  return [...notes, ...adviceFor(draft.services, model, seen.presentText)];
}

/** The build job belongs to no target, so it gets the variables of none. */
function buildNotes({ compose, variables }: Seen, onGitHub: boolean, builds: boolean): string[] {
  const unset = new Set(variables.flatMap(({ name, fallback }) => (fallback === undefined ? [name] : [])));
  const needed = buildVariables(compose?.files ?? []).filter((name) => unset.has(name));
  const [first] = needed;
  if (first === undefined || !onGitHub || !builds) return [];
  const list = enumerate(needed.length > 5 ? [...needed.slice(0, 4), `${needed.length - 4} more`] : needed);
  return [
    `The build needs ${list}, but build jobs on GitHub do not get the variables of a target. Set ${needed.length === 1 ? 'a default' : 'defaults'} in the compose file (\${${first}:-value}) or in a .env that git tracks. With --own-jobs, the build job of a deploy can set other values below \`env:\`.`,
  ];
}

function adviceFor(
  services: readonly ServiceGuess[],
  model: ComposeModel | undefined,
  presentText: string | undefined,
): string[] {
  const advice: string[] = [];
  const has = (names: readonly string[]) => `${enumerate(names)} ${names.length === 1 ? 'has' : 'have'}`;
  const blind = services.filter(
    ({ plan }) =>
      plan.strategy === 'blue-green' && plan.ports[0]?.mode === 'http' && plan.health === undefined,
  );
  if (blind.length > 0) {
    advice.push(
      `${has(blind.map(({ name }) => name))} no health path, so a new version counts as healthy once its port is open.`,
    );
  }
  // An existing `services:` stays as it is, and comments alone are not added to an existing file.
  const isAdded =
    sectionOf(presentText ?? '', 'services') === undefined &&
    services.some(({ own }) => Object.keys(own).length > 0);
  for (const { name, own, maybe } of services) {
    if (maybe === undefined) continue;
    const line = `${scalar(name)}: ${flow({ ...own, ...maybe.own })}`;
    const isThere = presentText === undefined || isAdded || presentText.includes(`# ${line}`);
    const where = isThere
      ? 'sluice.yml has the line, commented out.'
      : `The line for sluice.yml: \`services: { ${scalar(name)}: ${flow(maybe.own)} }\`.`;
    advice.push(`${name}: ${maybe.when.replace(/^If/, 'if')}. ${where}`);
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
      `${has(unlimited.map(({ name }) => name))} no memory limit. During a deploy, two versions run at once.`,
    );
  }
  return advice;
}

export interface SiteGuess {
  readonly front: FrontGuess | undefined;
  /** `cdn:` of the existing sluice.yml, unchanged. */
  readonly section: string | undefined;
}

function guessSite({ front, present, presentText }: Seen): SiteGuess | undefined {
  const section = present?.cdn === undefined ? undefined : sectionOf(presentText ?? '', 'cdn');
  return front === undefined && section === undefined ? undefined : { front, section };
}
