import { isAtLeast } from '../../config/compose/cli.ts';
import { UserError } from '../../kernel/errors.ts';
import type { BuildTarget, RunOptions } from '../model.ts';
import type { Builder } from './builder.ts';

/** Versions of buildx whose bake reads these keys; older ones leave them out without a word. */
const since: Readonly<Record<'extra-hosts' | 'entitlements', string>> = {
  'extra-hosts': '0.25.0',
  entitlements: '0.17.0',
};

/**
 * What the compose file asks for and the builder would leave out: the build would fail in its midst, or end with an
 * image that is not what was asked for.
 */
export function unsupported(
  targets: readonly BuildTarget[],
  { buildxVersion }: Pick<Builder, 'buildxVersion'>,
): UserError[] {
  return targets.flatMap(({ name, run = {} }) => {
    const keys = (['extra-hosts', 'entitlements'] as const).filter(
      (key) => run[key] !== undefined && !isAtLeast(buildxVersion, since[key]),
    );
    const old = keys.map((key) => tooOld(name, key, run, buildxVersion));
    return run.isolation === undefined ? old : [...old, noIsolation(name, run.isolation)];
  });
}

/** From 0.17 on bake asks for these to be granted on its command line. `docker compose build` grants them, too. */
export function grants(targets: readonly BuildTarget[], buildxVersion: string | undefined): string[] {
  if (!isAtLeast(buildxVersion, since.entitlements)) return [];
  const asked = targets.flatMap(({ run = {} }) => [
    ...(run.network === 'host' ? ['network.host'] : []),
    ...(run.entitlements ?? []),
  ]);
  return [...new Set(asked)].flatMap((entitlement) => ['--allow', entitlement]);
}

function tooOld(
  target: string,
  key: keyof typeof since,
  run: RunOptions,
  version: string | undefined,
): UserError {
  const written =
    key === 'extra-hosts'
      ? 'extra_hosts'
      : `entitlements (${run.entitlements?.join(', ')}; \`privileged: true\` is one)`;
  return new UserError({
    code: 'build.unsupported',
    message: `${target}: \`build:\` has ${written}, and buildx ${version} bakes without`,
    hint: `Install buildx ${since[key].replace(/\.0$/, '')} or newer, or take the key out.`,
  });
}

function noIsolation(target: string, isolation: string): UserError {
  return new UserError({
    code: 'build.unsupported',
    message: `${target}: \`isolation: ${isolation}\` is of the builder that came before BuildKit`,
    hint: 'Take `isolation:` out of `build:`.',
  });
}
