import { realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { type ComposeChoice, chosenBy } from '../../config/compose/choice/choice.ts';
import { trackedEnvFile } from '../../config/compose/load.ts';
import { parseEnvFile } from '../../config/env/env-file.ts';
import { isComposeOwn, shellVariable } from '../../config/env/shell-variables.ts';
import type { Config } from '../../config/model.ts';
import { parseConfig } from '../../config/sluice-yml/load.ts';
import { UserError, UserErrors } from '../../kernel/errors.ts';
import { type ComposeFile, chooseIn, findComposeFiles, openComposeFile } from './compose-files.ts';
import { type FrontGuess, findFront } from './front.ts';
import { type GitFacts, type LookEffects, readGit } from './git.ts';
import { folderOf, nameOf, readText, readTree, type Tree } from './tree.ts';
import {
  type ComposeVariable,
  type EnvFileUse,
  type ExampleFile,
  envFilesOf,
  findExamples,
  variablesOf,
} from './variables.ts';

/** The facts of a repository, before any guess. */
export interface Seen {
  /** The folder of sluice.yml: all paths are relative to it. */
  readonly folder: string;
  /** The folder relative to the repository root: `services/shop`; empty for the root. */
  readonly below: string;
  readonly tree: Tree;
  readonly git: GitFacts;
  readonly composeFiles: readonly ComposeFile[];
  readonly compose: ComposeChoice<ComposeFile> | undefined;
  /** Settings of the app that they use, without variables of the shell and of Docker Compose itself. */
  readonly variables: readonly ComposeVariable[];
  /** Variables of the shell that they use without a default. */
  readonly shell: readonly ComposeVariable[];
  /** Values of a `.env` that belongs to the repository: Compose reads it. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly envFiles: readonly EnvFileUse[];
  readonly examples: readonly ExampleFile[];
  readonly otherDeploys: readonly OtherDeploy[];
  /** The existing valid sluice.yml, whose values are not guessed again. */
  readonly present: Config | undefined;
  readonly presentText: string | undefined;
  readonly front: FrontGuess | undefined;
}

/**
 * Reads the files of a repository and its git facts.
 *
 * @param wanted compose files that the user named, as absolute paths; empty: sluice.yml's, else those for production.
 * @throws UserErrors `config.compose-missing` for those of `wanted` that cannot be read.
 */
export async function lookAt(
  folder: string,
  effects: LookEffects,
  wanted: readonly string[] = [],
): Promise<Seen> {
  const whole = await realpath(folder).catch(() => resolve(folder));
  const [tree, git] = await Promise.all([readTree(whole), readGit(whole, effects)]);
  const top = git.top === undefined ? whole : await realpath(git.top).catch(() => whole);
  const above = top === whole ? tree : { ...(await readTree(top)) };
  const [composeFiles, present] = await Promise.all([findComposeFiles(tree), readPresent(whole)]);
  const compose = await choiceFor(tree, composeFiles, wanted, present);
  const files = compose?.files ?? [];
  const used = variablesOf(files);
  const envFiles = envFilesOf(files);
  const [defaults, examples, otherDeploys, presentText, front] = await Promise.all([
    readDefaults(whole, files, effects),
    findExamples(tree, folderOf(files[0]?.path ?? ''), {
      envFiles: envFiles.map(({ path }) => path),
      variables: used.map(({ name }) => name),
    }),
    findOtherDeploys(above),
    readText(resolve(whole, 'sluice.yml')),
    findFront(tree, present?.cdn?.dist),
  ]);
  return {
    folder: whole,
    below: relative(top, whole),
    tree,
    git,
    composeFiles,
    compose,
    variables: used
      .filter(({ name }) => shellVariable(name) === undefined && !isComposeOwn(name))
      .map((composeVariable) => ({
        ...composeVariable,
        fallback: composeVariable.fallback ?? defaults[composeVariable.name],
      })),
    shell: used.filter(({ name, fallback }) => shellVariable(name) !== undefined && fallback === undefined),
    defaults,
    envFiles,
    examples,
    otherDeploys,
    present,
    presentText,
    front,
  };
}

/** The choice of the command line, else that of sluice.yml, else our own. */
async function choiceFor(
  tree: Tree,
  all: readonly ComposeFile[],
  wanted: readonly string[],
  present: Config | undefined,
): Promise<ComposeChoice<ComposeFile> | undefined> {
  const own = await chooseIn(tree, all);
  const paths = (wanted.length > 0 ? wanted : (present?.compose ?? [])).map((path) =>
    relative(tree.folder, resolve(tree.folder, path)),
  );
  const opened = await Promise.all(paths.map((path) => openComposeFile(tree, path)));
  const files = opened.filter((file) => file !== undefined);
  const missing = paths.filter((_, index) => opened[index] === undefined);
  if (wanted.length > 0 && missing.length > 0)
    throw new UserErrors(missing.map((path) => cannotRead(path, all)));
  const isSame = own?.files.length === files.length && own.files.every(({ path }, at) => path === paths[at]);
  // A sluice.yml without `compose:` means the base file, which can be missing.
  return files.length === 0 || missing.length > 0 || isSame ? own : chosenBy(files);
}

function cannotRead(path: string, all: readonly ComposeFile[]): UserError {
  return new UserError({
    code: 'config.compose-missing',
    message: `--compose: cannot read ${path}`,
    hint:
      all.length === 0
        ? 'Name an existing compose file.'
        : `Compose files of this repository: ${all.map((file) => file.path).join(', ')}.`,
  });
}

async function readDefaults(
  folder: string,
  files: readonly ComposeFile[],
  effects: LookEffects,
): Promise<Readonly<Record<string, string>>> {
  const file = await trackedEnvFile({ folder, compose: files.map(({ path }) => path) }, effects);
  const text = file === undefined ? undefined : await readText(file);
  try {
    const { entries } = parseEnvFile(text ?? '', '.env', { interpolate: false });
    return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
  } catch {
    // Compose reads the file itself and reports its faults.
    return {};
  }
}

async function readPresent(folder: string): Promise<Config | undefined> {
  const file = resolve(folder, 'sluice.yml');
  const text = await readText(file);
  try {
    return text === undefined ? undefined : parseConfig(text, file, folder);
  } catch {
    // Every other command reports its faults; here it is an existing file that must not be overwritten.
    return undefined;
  }
}

/** A workflow of the repository that deploys without Sluice. */
export interface OtherDeploy {
  readonly path: string;
  readonly sign: string;
}

const composeUp = 'docker compose up -d';
/** Tests also start containers; on a self-hosted runner, or with a remote engine, it is a deploy. */
const elsewhere = /\bDOCKER_HOST\b|\bself-hosted\b|\bdocker\s+context\s+use\b|--context\b/;

const signs: readonly (readonly [RegExp, string])[] = [
  [/uses:\s*["']?appleboy\/(?:ssh|scp)-action/, 'appleboy/ssh-action'],
  [/uses:\s*["']?(?:easingthemes\/ssh-deploy|burnett01\/rsync-deployments)/i, 'rsync over SSH'],
  [/\bkamal\s+(?:deploy|redeploy)\b/, 'kamal deploy'],
  [/\bdocker[ -]compose\b[^\n]{0,300}\bup\b[^\n]{0,100}(?:-d|--detach)\b/, composeUp],
  [/\bdocker\s+stack\s+deploy\b/, 'docker stack deploy'],
  [/\bdocker\s+rollout\b/, 'docker rollout'],
  [/\bssh\s+(?:-\S+\s+(?:\S+\s+)?){0,10}[\w$.{}-]{1,100}@[\w$.{}-]+/, 'ssh'],
];

/** Workflows that deploy the same app besides Sluice's. */
export async function findOtherDeploys(tree: Tree): Promise<OtherDeploy[]> {
  const files = tree.files.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path));
  const found: OtherDeploy[] = [];
  for (const path of files.filter((file) => !nameOf(file).startsWith('sluice-'))) {
    const text = (await tree.read(path)) ?? '';
    const isElsewhere = elsewhere.test(text);
    const sign = signs.find(
      ([pattern, what]) => pattern.test(text) && (isElsewhere || what !== composeUp),
    )?.[1];
    if (sign !== undefined) found.push({ path, sign });
  }
  return found;
}
