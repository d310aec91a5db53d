import { UserError } from '../../kernel/errors.ts';
import type { BuildTarget } from '../model.ts';

/**
 * Targets that cannot be built because of the targets they take files from: a `service:` that builds nothing, and targets
 * that need each other in a cycle.
 */
export function linkErrors(targets: readonly BuildTarget[]): UserError[] {
  const missing = targets.flatMap((target) =>
    linksOf(target)
      .filter(({ to }) => !targets.some(({ name }) => name === to))
      .map(({ context, to }) => notBuilt(target.name, context, to)),
  );
  const cycle = cycleOf(targets);
  return cycle === undefined ? missing : [...missing, inCycle(cycle)];
}

interface Link {
  /** Name of the context. */
  readonly context: string;
  /** Target that it is. */
  readonly to: string;
}

function linksOf({ contexts }: BuildTarget): Link[] {
  return Object.entries(contexts).flatMap(([context, where]) =>
    where.startsWith('target:') ? [{ context, to: where.slice('target:'.length) }] : [],
  );
}

/** The first cycle: `a`, `b`, `a`. */
function cycleOf(targets: readonly BuildTarget[]): string[] | undefined {
  const harmless = new Set<string>();
  const follow = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (harmless.has(name)) return undefined;
    const target = targets.find((buildTarget) => buildTarget.name === name);
    for (const { to } of target === undefined ? [] : linksOf(target)) {
      const found = follow(to, [...path, name]);
      if (found !== undefined) return found;
    }
    harmless.add(name);
    return undefined;
  };
  for (const { name } of targets) {
    const found = follow(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function notBuilt(target: string, context: string, to: string): UserError {
  return new UserError({
    code: 'build.context',
    message: `services.${target}: the context "${context}" is the image of ${to}, which has no \`build:\` section`,
    hint: `Write \`build:\` at ${to}, or name its image: \`${context}: docker-image://IMAGE\`.`,
  });
}

function inCycle(cycle: readonly string[]): UserError {
  return new UserError({
    code: 'build.cycle',
    message:
      cycle.length === 2
        ? `services.${cycle[0]}: its build takes files from its own image`
        : `The builds depend on each other in a cycle: ${cycle.join(' → ')}`,
    hint: 'Remove one of these links: a `FROM` or `COPY --from` of the other’s image, or a `service:` context. Shared parts can be a separate service.',
  });
}
