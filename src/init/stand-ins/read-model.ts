import { dirname, join } from 'node:path';
import { loadComposeModel } from '../../config/compose/load.ts';
import { shellVariable } from '../../config/env/shell-variables.ts';
import type { ComposeModel } from '../../config/model.ts';
import { UserError, userErrorsOf } from '../../kernel/errors.ts';
import { enumerate } from '../render/terminal.ts';
import type { LookEffects } from '../study/git.ts';
import { lookAt, type Seen } from '../study/repository.ts';
import type { ComposeVariable } from '../study/variables.ts';
import { attempts, type StandIns, standIns } from './stand-ins.ts';

export interface ReadModel {
  /** undefined: the files could not be resolved here; `problem` has the reason and the fix, as a sentence. */
  readonly model: ComposeModel | undefined;
  readonly problem: string | undefined;
  /** Variables of files that the chosen ones include or extend. */
  readonly missed: readonly ComposeVariable[];
  /** Made-up values in the model, each with its variable. */
  readonly made: StandIns['made'];
}

/** Docker Compose names variables with `:?` in included files one at a time. */
const maxRounds = 60;

/**
 * The compose files resolved with stand-ins for the variables that only a server has: enough to see services, ports and
 * volumes. A stand-in that Docker Compose rejects is replaced by others, and is never an error.
 *
 * @param app the name that COMPOSE_PROJECT_NAME has in them.
 * @throws UserError(s) `compose.*`, `env.*` of files that Docker Compose rejects.
 */
export async function readModel(
  seen: Seen,
  { registry, app }: { readonly registry: string | undefined; readonly app: string },
  effects: LookEffects,
): Promise<ReadModel> {
  const files = seen.compose?.files ?? [];
  const config = { app, folder: seen.folder, compose: files.map(({ path }) => path) };
  const folder = dirname(join(seen.folder, files[0]?.path ?? ''));
  const missed: ComposeVariable[] = [];
  const refused = new Map<string, number>();
  let suspects: readonly string[] = [];
  for (let round = 0; ; ) {
    const variables = [...seen.variables, ...seen.shell, ...missed];
    const { env, made } = standIns({ ...seen, variables, registry, folder, refused });
    const settings = missed.filter(({ name }) => shellVariable(name) === undefined);
    try {
      return {
        model: await loadComposeModel(config, env, effects),
        problem: undefined,
        missed: settings,
        made,
      };
    } catch (error) {
      const errors = userErrorsOf(error);
      const [first] = errors;
      if (first === undefined) throw error;
      const none = { model: undefined, missed: settings, made };
      if (first.code === 'compose.missing' || first.code === 'compose.too-old')
        return { ...none, problem: `${first.message}. ${first.hint ?? ''} Then run \`sluice init\` again` };
      if (first.code === 'compose.profiles') throw forInit(first);
      // Variables of included or extended files: Docker Compose names them.
      const names = errors.flatMap((userError) =>
        userError.code === 'compose.variable' ? namesIn(userError.message) : [],
      );
      const fresh = names.filter((name) => !Object.hasOwn(env, name));
      if (fresh.length > 0 && round < maxRounds) {
        round++;
        missed.push(...fresh.map((name) => ({ name, fallback: undefined, users: [] })));
        continue;
      }
      const isRefusal = first.code === 'compose.value' || first.code === 'compose.invalid';
      const blamed = isRefusal ? variablesIn(`${first.message} ${first.output}`) : [];
      const named = blamed.filter((name) => isStandIn(name, env, seen));
      // A value as short as `1` is not recognized in the output of Compose: it is the variable of the previous round.
      const ours = named.length > 0 || !isRefusal ? named : suspects;
      if (ours.length === 0) throw errors.length === 1 ? withSource(first, seen) : error;
      suspects = ours;
      const open = ours.filter((name) => (refused.get(name) ?? 0) < attempts);
      if (open.length === 0) return { ...none, problem: problemOf(ours) };
      for (const name of open) refused.set(name, (refused.get(name) ?? 0) + 1);
    }
  }
}

function problemOf(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const one = distinct.length === 1;
  const list = enumerate(distinct.map((name) => `$\{${name}}`));
  return `Docker Compose rejects the compose files without ${one ? 'a value' : 'values'} for ${list}. Add ${one ? 'it' : 'them'} to .env.example and run \`sluice init\` again`;
}

/** Whether we made up the value: no example has it. */
function isStandIn(name: string, env: Readonly<Record<string, string>>, { examples }: Seen): boolean {
  return (
    Object.hasOwn(env, name) && !examples.some(({ isNear, values }) => isNear && values[name] === env[name])
  );
}

function forInit({ code, message, hint }: UserError): UserError {
  const example = /COMPOSE_PROFILES=[^ .]+/.exec(hint ?? '')?.[0] ?? 'COMPOSE_PROFILES';
  return new UserError({
    code,
    message,
    hint: `Add ${example} to .env.example, with the profiles that production needs, and run \`sluice init\` again.`,
  });
}

/** Names the unused file that declares a missing part, such as an override to fill in. */
function withSource(error: UserError, { compose, composeFiles }: Seen): UserError {
  const [, thing, name = ''] =
    /undefined (secret|config|volume|network) "?([\w.-]+)/.exec(error.output ?? '') ?? [];
  const chosen = compose?.files ?? [];
  const source = composeFiles.find(({ data, path }) => {
    const declared = (data as Record<string, object | undefined> | undefined)?.[`${thing}s`];
    return !chosen.some((file) => file.path === path) && declared != null && Object.hasOwn(declared, name);
  });
  if (thing === undefined || source === undefined) return error;
  const options = [...chosen, source].map(({ path }) => `--compose ${path}`).join(' ');
  return new UserError({
    code: error.code,
    message: `${error.message}: the ${thing} ${name} is declared in ${source.path}, which is not used`,
    hint: `Fill in that file for production, then run \`sluice init ${options}\`.`,
    ...(error.at === undefined ? {} : { at: error.at }),
    ...(error.output === undefined ? {} : { output: error.output }),
  });
}

function namesIn(message: string): string[] {
  const [, list = ''] = /: (.*)$/s.exec(message) ?? [];
  const listed = [...list.matchAll(/(?:^|, )([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
  const [shell] = variablesIn(message);
  return shell !== undefined && shellVariable(shell) !== undefined ? [shell] : listed;
}

function variablesIn(message: string): string[] {
  return [...message.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
}

/** TCP ports that the app in a folder publishes on its server; empty if its compose files cannot be read. */
export async function publishedPorts(folder: string, effects: LookEffects): Promise<number[]> {
  const seen = await lookAt(folder, effects);
  if (seen.compose === undefined) return [];
  // Other commands report faults of the compose files.
  const known = { registry: undefined, app: 'app' };
  const { model, made } = await readModel(seen, known, effects).catch(() => ({
    model: undefined,
    made: new Map(),
  }));
  effects.signal?.throwIfAborted();
  const ports = Object.values(model?.services ?? {}).flatMap((service) => service.ports ?? []);
  const open = ports.filter(
    ({ protocol, host_ip: ip }) => protocol !== 'udp' && !/^127\.|^::1$/.test(ip ?? ''),
  );
  const numbers = open
    .filter(({ published }) => !made.has(String(published)))
    .map(({ published }) => Number(published))
    .filter((port) => Number.isInteger(port) && port > 0);
  return [...new Set(numbers)].sort((a, b) => a - b);
}
