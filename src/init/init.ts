import { join } from 'node:path';
import { localModel } from '../config/compose/local-model.ts';
import { askedImages, type ImageAnswers } from '../config/images/service-images.ts';
import type { ComposeModel } from '../config/model.ts';
import { UserError } from '../kernel/errors.ts';
import { type FilePlan, planFiles, type WantedFile } from './files.ts';
import { type Guess, guess, guessApp } from './guess/guess.ts';
import { guessRegistry } from './guess/registry.ts';
import { suggestCompose } from './guess/suggest-compose.ts';
import { realTargets, type TargetWishes } from './guess/targets.ts';
import { type Caller, renderCaller } from './render/callers.ts';
import { renderConfig } from './render/config.ts';
import { type EnvExample, renderEnvExample } from './render/env.ts';
import { updateConfig } from './render/update.ts';
import { withoutStandIns } from './stand-ins/hide.ts';
import { readModel } from './stand-ins/read-model.ts';
import { type LookEffects, notIgnored } from './study/git.ts';
import { lookAt, type Seen } from './study/repository.ts';
import { checkBuildFiles, type ServiceSight, study } from './study/services.ts';

export interface InitPlan {
  /** Repository root: paths of the files are relative to it. */
  readonly top: string;
  readonly guess: Guess;
  readonly files: readonly FilePlan[];
  readonly env: EnvExample | undefined;
  /** The file that describes the variables, relative to the repository root. */
  readonly example: string | undefined;
  /** Names of the variables that the compose files need from the target. */
  readonly variables: readonly string[];
  /** Env files of the targets, at the repository root, that git does not ignore. */
  readonly unignored?: readonly string[];
}

export interface InitWishes extends TargetWishes {
  /** Absolute paths of compose files; none: `init` chooses. */
  readonly compose?: readonly string[];
  /** Write workflows with the repository’s own jobs instead of calls to the reusable workflows. */
  readonly ownJobs?: boolean;
}

/**
 * Inspects a repository and plans the files for it. Writes nothing.
 *
 * @throws UserErrors `config.compose-missing` for missing files of `wishes.compose`, `build.files` for missing contexts
 * and Dockerfiles.
 * @throws UserError `init.no-compose` with a suggested compose file; `compose.*`, `env.*` for files that Docker Compose
 * rejects.
 */
export async function planInit(folder: string, wishes: InitWishes, effects: LookEffects): Promise<InitPlan> {
  const sight = await lookAt(folder, effects, wishes.compose);
  if (sight.compose === undefined) throw await noCompose(sight);
  const known = { registry: guessRegistry(sight, undefined).value, app: guessApp(sight).value };
  const { problem, missed, made, ...read } = await readModel(sight, known, effects);
  const compose = sight.compose.files.map(({ path }) => path);
  const local =
    read.model === undefined ? undefined : await localModel(read.model, sight.folder, compose, effects);
  const model = local?.model;
  const seen = { ...sight, variables: [...sight.variables, ...missed] };
  if (model !== undefined) await checkBuildFiles(seen, model);
  const sights = model === undefined ? [] : await study(seen.tree, model);
  const answers = await askedOf(model, sights, known.registry, effects);
  const plain = guess(seen, model, sights, wishes, answers);
  const guessed = withoutStandIns({ ...plain, notes: [...(local?.notes ?? []), ...plain.notes] }, made);
  const whole: Guess =
    problem === undefined
      ? guessed
      : {
          ...guessed,
          notHandled: [`${problem}. Services, migrations and backups are not listed.`, ...guessed.notHandled],
        };
  const env = renderEnvExample(seen);
  const top = seen.below === '' ? seen.folder : seen.folder.slice(0, -seen.below.length - 1);
  const files = await planFiles(top, wantedFiles(seen, whole, env, wishes));
  const envFiles = whole.targets.map(({ name }) => `.env.${name}`);
  const example = env?.path ?? seen.examples[0]?.path;
  return {
    top,
    guess: whole,
    files,
    env,
    example: example === undefined ? undefined : join(seen.below, example),
    unignored: await notIgnored(top, envFiles, effects),
    variables: seen.variables.filter(({ fallback }) => fallback === undefined).map(({ name }) => name),
  };
}

/** Facts about the images that are not built here; a deploy reads the same ones. */
async function askedOf(
  model: ComposeModel | undefined,
  sights: readonly ServiceSight[],
  registry: string | undefined,
  effects: LookEffects,
): Promise<ImageAnswers> {
  const built = Object.fromEntries(
    sights.flatMap(({ name, image }) => (image === undefined ? [] : [[name, image]])),
  );
  const references = model === undefined ? {} : askedImages(model, { services: {}, registry }, built);
  if (effects.askImages === undefined || Object.keys(references).length === 0)
    return { images: {}, unread: {} };
  return await effects.askImages(references);
}

function wantedFiles(
  seen: Seen,
  guessed: Guess,
  env: EnvExample | undefined,
  { ownJobs = false, compose = [] }: InitWishes,
): WantedFile[] {
  const config = join(seen.below, 'sluice.yml');
  const front = guessed.site?.front;
  const facts = {
    branches: checkedBranches(seen),
    config,
    app: guessed.app.value,
    ownJobs,
    hasRegistryLogin: guessed.logins.length > 0,
    targets: guessed.targets,
    backups: realTargets(guessed.targets),
    // Without a build the workflow publishes the folder of the repository.
    front:
      front === undefined
        ? { folder: '.', build: '' }
        : { folder: join(seen.below, front.folder), build: front.build },
  };
  const callers: Caller[] = [
    'ci',
    'deploy',
    'rollback',
    ...(guessed.backup?.postgres === undefined ? [] : (['backup'] as const)),
    ...(guessed.site?.section === undefined ? [] : (['cdn'] as const)),
  ];
  // Several apps of one repository have their own workflows.
  const prefix = seen.below === '' ? 'sluice' : `sluice-${guessed.app.value}`;
  return [
    { path: config, text: configText(seen, guessed, compose.length > 0) },
    ...(guessed.onGitHub ? callers : []).map((caller) => ({
      path: `.github/workflows/${prefix}-${caller}.yml`,
      text: renderCaller(caller, facts),
    })),
    ...(env === undefined ? [] : [{ path: join(seen.below, env.path), text: env.text }]),
  ];
}

/** A new sluice.yml, or the existing one with the targets of the command line and the sections that it lacks. */
function configText({ present, presentText }: Seen, guessed: Guess, hasCompose: boolean): string {
  return presentText === undefined || presentText.trim() === ''
    ? renderConfig(guessed)
    : updateConfig(presentText, guessed, { present, hasCompose });
}

/** The default branch, and `develop` where it exists. */
function checkedBranches({ git }: Seen): string[] {
  return [...new Set([git.defaultBranch ?? 'main', ...git.branches.filter((name) => name === 'develop')])];
}

async function noCompose(seen: Seen): Promise<UserError> {
  const { found, files } = await suggestCompose(seen);
  const texts = files.map(({ path, text }) => `--- ${path}\n${text}`).join('\n');
  return new UserError({
    code: 'init.no-compose',
    message: `No compose file found: the repository has ${found}`,
    hint:
      files.length === 0
        ? 'Write a compose.yml that starts the app with `docker compose up`, then run `sluice init` again.'
        : `Start from these files, check that \`docker compose up\` starts the app, and run \`sluice init\` again:\n${texts}`,
  });
}
