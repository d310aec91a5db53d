import { loadComposeModel } from '../config/compose.ts';
import type { ComposeModel } from '../config/model.ts';
import { UserError } from '../kernel/errors.ts';
import type { LookEffects } from './git.ts';
import type { Seen } from './look.ts';
import type { ComposeVariable } from './variables.ts';

export interface ReadModel {
  /** undefined: docker is not where Sluice runs, so nobody could resolve the files. */
  readonly model: ComposeModel | undefined;
  readonly problem: string | undefined;
  /** Variables of files that the chosen ones include or extend. */
  readonly missed: readonly ComposeVariable[];
}

/** Files that are included may include others; nobody nests them deeper. */
const maxRounds = 5;

/**
 * The compose files resolved with stand-ins for the variables that only a server has: enough to see services, ports and
 * volumes. No stand-in is written anywhere.
 *
 * @throws UserError(s) `compose.*`, `env.*` of files that docker compose does not accept.
 */
export async function readModel(
  seen: Seen,
  registry: string | undefined,
  effects: LookEffects,
): Promise<ReadModel> {
  const files = seen.compose?.files ?? [];
  const config = { app: 'init', folder: seen.folder, compose: files.map(({ path }) => path) };
  const missed: ComposeVariable[] = [];
  for (let round = 0; ; round++) {
    const env = standIns({ ...seen, variables: [...seen.variables, ...missed] }, registry);
    try {
      return { model: await loadComposeModel(config, env, effects), problem: undefined, missed };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.code === 'compose.missing' || error.code === 'compose.too-old') {
        return { model: undefined, problem: error.message, missed };
      }
      // Those of files that are included or extended: docker compose finds them, and names them.
      const names = error.code === 'compose.variable' ? namesIn(error.message) : [];
      const fresh = names.filter((name) => !Object.hasOwn(env, name));
      if (fresh.length === 0 || round >= maxRounds) throw error;
      missed.push(...fresh.map((name) => ({ name, fallback: undefined, users: [] })));
    }
  }
}

function namesIn(message: string): string[] {
  const [, list = ''] = /: (.*)$/s.exec(message) ?? [];
  return [...list.matchAll(/(?:^|, )([A-Za-z_]\w*)/g)].map(([, name = '']) => name);
}

/** Values of the example file where it has any, else such as the name asks for. */
export function standIns(
  seen: Pick<Seen, 'variables' | 'examples'>,
  registry: string | undefined,
): Readonly<Record<string, string>> {
  const examples = Object.assign({}, ...seen.examples.toReversed().map(({ values }) => values)) as Record<
    string,
    string
  >;
  const values = seen.variables
    .filter(({ fallback }) => fallback === undefined)
    .map((variable) => [variable.name, valueFor(variable, examples[variable.name], registry)]);
  // Without any variable, Sluice would take an `env_file: .env` that is not there for an error.
  return { SLUICE_INIT: 'yes', ...(Object.fromEntries(values) as Record<string, string>) };
}

function valueFor(
  { name }: ComposeVariable,
  example: string | undefined,
  registry: string | undefined,
): string {
  if (example !== undefined && example !== '' && !/change|^<|your/i.test(example)) return example;
  const forms: readonly (readonly [RegExp, string])[] = [
    [/REGISTRY|IMAGE_(?:PREFIX|REPO)|REPOSITORY/i, registry ?? 'registry.example.com/app'],
    [/(?:^|_)PORT$/i, '8080'],
    [/(?:^|_)IMAGE$/i, 'registry.example.com/app/image'],
    [/MEM(?:ORY)?(?:_|$)|SHM/i, '256M'],
    [/BIND|(?:^|_)IP$|ADDRESS/i, '127.0.0.1'],
    [/REPLICAS|WORKERS|COUNT|CPUS?(?:_|$)|CONCURRENCY|RETRIES|CONNECTIONS|UID|GID/i, '1'],
    [/TIMEOUT|INTERVAL|PERIOD/i, '10s'],
    [/(?:^|_)(?:DIR|PATH|FOLDER|ROOT|HOME|VOLUME)$/i, '/srv/data'],
  ];
  return forms.find(([pattern]) => pattern.test(name))?.[1] ?? 'stand-in';
}
