import type { ComposeFile } from './compose-files.ts';

/** A variable that compose files refer to. */
export interface ComposeVariable {
  readonly name: string;
  /** What the files put where it is not set; undefined: it must be set. */
  readonly fallback: string | undefined;
  /** Services (or top-level sections) that use it. */
  readonly users: readonly string[];
}

/** An `env_file` of a service, as it is written. */
export interface EnvFileUse {
  readonly service: string;
  readonly path: string;
}

type Use = { readonly name: string; readonly fallback: string | undefined };

/** Variables of the chosen files, in the order they come. */
export function variablesOf(files: readonly ComposeFile[]): ComposeVariable[] {
  const found = new Map<string, { fallbacks: (string | undefined)[]; users: Set<string> }>();
  const add = ({ name, fallback }: Use, user: string) => {
    const entry = found.get(name) ?? { fallbacks: [], users: new Set<string>() };
    entry.fallbacks.push(fallback);
    entry.users.add(user);
    found.set(name, entry);
  };
  for (const { data, services } of files) {
    for (const { user, text } of textsIn(data)) for (const use of usesIn(text)) add(use, user);
    for (const [name, service] of Object.entries(services)) {
      // `environment: [NAME]` passes on what the target has; without it the container has none.
      for (const passed of passedOn(service['environment'])) add({ name: passed, fallback: undefined }, name);
    }
  }
  return [...found].map(([name, { fallbacks, users }]) => ({
    name,
    // One place without a fallback is enough to need the variable.
    fallback: fallbacks.includes(undefined) ? undefined : fallbacks[0],
    users: [...users],
  }));
}

/** Files that services take their variables from. */
export function envFilesOf(files: readonly ComposeFile[]): EnvFileUse[] {
  return files.flatMap(({ services }) =>
    Object.entries(services).flatMap(([service, { env_file: value }]) => {
      const list: unknown[] = Array.isArray(value) ? value : [value];
      return list.flatMap((item): EnvFileUse[] => {
        const path = typeof item === 'string' ? item : (item as { path?: unknown } | null | undefined)?.path;
        return typeof path === 'string' ? [{ service, path }] : [];
      });
    }),
  );
}

function passedOn(environment: unknown): string[] {
  if (Array.isArray(environment))
    return environment.map(String).filter((text) => /^[A-Za-z_]\w*$/.test(text));
  if (environment === null || typeof environment !== 'object') return [];
  return Object.entries(environment).flatMap(([name, value]) => (value === null ? [name] : []));
}

/** All texts of a document with the service they stand in; keys are not interpolated. */
function* textsIn(root: unknown): Generator<{ user: string; text: string }> {
  const map = root !== null && typeof root === 'object' ? (root as Record<string, unknown>) : {};
  for (const [section, value] of Object.entries(map)) {
    if (section !== 'services') yield* under(section, value);
    else if (value !== null && typeof value === 'object') {
      for (const [service, definition] of Object.entries(value)) yield* under(service, definition);
    }
  }
}

function* under(user: string, value: unknown): Generator<{ user: string; text: string }> {
  // Extensions are used where they are merged in; they are found there.
  if (user.startsWith('x-')) return;
  if (typeof value === 'string') yield { user, text: value };
  else if (value !== null && typeof value === 'object') {
    for (const each of Object.values(value)) yield* under(user, each);
  }
}

/** Compose's interpolation (config/interpolate.ts), looked at for its names. */
export function usesIn(text: string): Use[] {
  const uses: Use[] = [];
  const pattern = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])|(?=\})))/g;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const [, plain, braced, operator] = match;
    if (plain !== undefined) uses.push({ name: plain, fallback: undefined });
    if (braced === undefined) continue;
    const operand = operator === undefined ? '' : operandAt(text, pattern.lastIndex);
    if (operator?.endsWith('-')) uses.push({ name: braced, fallback: operand });
    else if (operator?.endsWith('+')) uses.push({ name: braced, fallback: '' });
    else uses.push({ name: braced, fallback: undefined });
    // The search goes on inside of the operand, where there may be more of them.
  }
  return uses;
}

function operandAt(text: string, start: number): string {
  let open = 1;
  for (let index = start; index < text.length; index++) {
    if (text[index] === '{') open++;
    if (text[index] === '}' && --open === 0) return text.slice(start, index);
  }
  return '';
}
