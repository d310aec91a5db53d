import { textsIn, usesIn, type VariableUse } from '../../config/env/interpolate.ts';
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

/** Variables of the chosen files, in the order they come. */
export function variablesOf(files: readonly ComposeFile[]): ComposeVariable[] {
  const found = new Map<string, { fallbacks: (string | undefined)[]; users: Set<string> }>();
  const add = ({ name, fallback }: VariableUse, user: string) => {
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

/**
 * Variables without a default that resolving for a build needs: those in `build:`, in the name of what is built, and the
 * port in a container, without which Docker Compose reads no file.
 */
export function buildVariables(files: readonly ComposeFile[]): string[] {
  const built = new Set(
    files.flatMap(({ services }) =>
      Object.entries(services).flatMap(([name, service]) => (service['build'] === undefined ? [] : [name])),
    ),
  );
  const names = files.flatMap(({ data }) =>
    [...textsIn(data)].flatMap(({ path, text }) => {
      const [section, service = '', key = ''] = path;
      if (section !== 'services') return [];
      const isBuild = built.has(service) && ['build', 'image'].includes(key);
      const isPort = key === 'ports' && /:\$\{?\w+\}?(?:\/\w+)?$/.test(text);
      const uses = isBuild || isPort ? usesIn(isBuild ? text : text.slice(text.lastIndexOf(':$') + 1)) : [];
      return uses.flatMap(({ name, fallback }) => (fallback === undefined ? [name] : []));
    }),
  );
  return [...new Set(names)];
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
