import { isAtLeast } from '../../config/compose/cli.ts';
import { UserError } from '../../kernel/errors.ts';
import type { BuildTarget, RunOptions } from '../model.ts';
import type { Builder } from './builder.ts';

/** Versions of buildx whose bake reads these keys; older ones ignore them silently. */
const since: Readonly<Record<'extra-hosts' | 'entitlements', string>> = {
  'extra-hosts': '0.25.0',
  entitlements: '0.17.0',
};

/**
 * Keys of the compose file that this builder ignores: the build would fail partway, or produce a different image.
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
    message: `${target}: \`build:\` has ${written}, which buildx ${version} ignores`,
    hint: `Install buildx ${since[key].replace(/\.0$/, '')} or newer, or remove the key.`,
  });
}

function noIsolation(target: string, isolation: string): UserError {
  return new UserError({
    code: 'build.unsupported',
    message: `${target}: \`isolation: ${isolation}\` belongs to the builder before BuildKit`,
    hint: 'Remove `isolation:` from `build:`.',
  });
}
