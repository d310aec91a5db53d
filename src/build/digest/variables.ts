import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';
import { expand, type Scope, splitWords, type Variable } from './expand.ts';

const ofBuilder = { kind: 'unknown', why: 'is known to the builder only' } as const;
const ofPlatform = {
  kind: 'unknown',
  why: 'depends on the builder, because the build does not set a full platform',
} as const;

/**
 * The variables that FROM may use: the platform's own, and each ARG before the first FROM with its build argument or
 * else its default.
 *
 * @param lines arguments of those ARG instructions.
 */
export function globalScope(
  lines: readonly string[],
  args: Readonly<Record<string, string>>,
  platform: string | undefined,
  escapeToken: string,
): Scope {
  const scope = new Map<string, Variable>(platformVariables(platform));
  for (const word of lines.flatMap((line) => splitWords(line, escapeToken))) {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word : word.slice(0, equals);
    if (Object.hasOwn(args, name)) scope.set(name, { kind: 'value', value: args[name] ?? '' });
    else if (equals >= 0) scope.set(name, defaultOf(word.slice(equals + 1), scope, escapeToken));
    // Without a value BuildKit 0.13 empties the platform's variables, and later ones keep them.
    else
      scope.set(
        name,
        scope.has(name) ? { kind: 'unknown', why: 'is declared again by an ARG' } : { kind: 'declared' },
      );
  }
  return scope;
}

/** An unknown default matters only if FROM uses it. */
function defaultOf(text: string, scope: Scope, escapeToken: string): Variable {
  try {
    return { kind: 'value', value: expand(text, scope, escapeToken) };
  } catch (error) {
    if (!(error instanceof Unresolvable)) throw error;
    return { kind: 'unknown', why: `has an unknown default: ${error.message}` };
  }
}

/** As BuildKit spells them; `linux/arm64/v8` or `linux/x86_64` would become something else in the variables. */
const plainPlatform = /^[a-z]+\/(?:amd64|arm64|386|ppc64le|s390x|riscv64|arm\/v[5-7])$/;

/** https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope */
function platformVariables(platform: string | undefined): [string, Variable][] {
  const builders = ['BUILDPLATFORM', 'BUILDOS', 'BUILDARCH', 'BUILDVARIANT', 'TARGETSTAGE'];
  const [os, architecture, variant] = platform?.split('/') ?? [];
  const targets = {
    TARGETPLATFORM: platform,
    TARGETOS: os,
    TARGETARCH: architecture,
    TARGETVARIANT: variant,
  };
  const isKnown = platform !== undefined && plainPlatform.test(platform);
  return [
    ...builders.map((name): [string, Variable] => [name, ofBuilder]),
    ...Object.entries(targets).map(([name, value = '']): [string, Variable] => [
      name,
      isKnown ? { kind: 'value', value } : ofPlatform,
    ]),
  ];
}
