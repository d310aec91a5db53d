import { type Place, UserError } from '../../kernel/errors.ts';
import type { Config, Target } from '../model.ts';
import { isShowable } from '../sluice-yml/named-secrets.ts';
import { reservedGroup, whyReserved } from './reserved.ts';

type PlaceOf = (path: readonly (string | number)[]) => { readonly at?: Place };

/** Names in sluice.yml that would hand a credential of the job to the app, and opt-ins that give nothing. */
export function reservedFaults(config: Config, placeOf: PlaceOf): UserError[] {
  const { notify, build, targets } = config;
  const named = [
    ...Object.values(targets).flatMap(namesOf),
    ...(notify.slack === undefined ? [] : [{ path: ['notify', 'slack'], name: notify.slack }]),
  ];
  return [
    ...named.flatMap(({ path, name }) => {
      const group = reservedGroup(name);
      return group === undefined || group.allowed === 'everywhere'
        ? []
        : [reservedVariable(`${path.join('.')} asks for ${name}`, group.are, placeOf(path))];
    }),
    ...(build.jobCredentials ?? []).flatMap((name) => faultOfOptIn(name, config, placeOf)),
  ];
}

function namesOf({ name: target, env }: Target) {
  return env.flatMap((source) => {
    const path = (key: string) => ['targets', target, key];
    if (source.kind === 'variables') return source.names.map((name) => ({ path: path('env'), name }));
    return source.kind === 'secret-file' ? [{ path: path('env-secret'), name: source.variable }] : [];
  });
}

function faultOfOptIn(name: string, config: Config, placeOf: PlaceOf): UserError[] {
  const at = placeOf(['build', 'job-credentials']);
  const group = reservedGroup(name);
  const shown = isShowable(name) ? name : 'a name';
  if (group !== undefined && group.allowed !== 'never') return [];
  const why = whyReserved(name, config);
  if (why !== undefined) return [reservedVariable(`build.job-credentials lists ${name}`, why, at)];
  return [
    new UserError({
      code: 'config.value',
      message: `build.job-credentials: ${shown} is not a reserved variable, so builds may use it anyway`,
      hint: 'Remove it from the list, or fix the name.',
      ...at,
    }),
  ];
}

/** @param fact names the place and the variable. @param are what it is. */
export function reservedVariable(fact: string, are: string, at: { readonly at?: Place }): UserError {
  return new UserError({
    code: 'env.reserved',
    message: `${fact}, which is reserved: it is ${are}`,
    hint: 'Rename the variable, or set the app’s own value in an env file of the target.',
    ...at,
  });
}
