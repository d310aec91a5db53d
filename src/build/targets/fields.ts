import { isAbsolute, join } from 'node:path';
import { isRemoteContext } from '../../config/compose/build-files.ts';
import { plain } from '../../config/compose/load.ts';

/** Values of `build:` and `x-bake:` may be a string, a list or a map; these functions normalize them. */

export function textOf(value: unknown): string {
  return plain(String(value));
}

export function listOf(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map(textOf) : [textOf(value)];
}

/** `{ A: 1 }` and `[A=1]`; a name without a value is omitted, as Compose does if the variable is not set. */
export function mapOf(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  const entries = Array.isArray(value)
    ? listOf(value).map((item): [string, unknown] => {
        const equals = item.indexOf('=');
        return equals < 0 ? [item, null] : [item.slice(0, equals), item.slice(equals + 1)];
      })
    : Object.entries(value as object).map(([key, item]): [string, unknown] => [key, item]);
  return Object.fromEntries(
    entries
      .filter(([, candidate]) => candidate !== null && candidate !== undefined)
      .map(([key, item]) => [key, Array.isArray(value) ? String(item) : textOf(item)]),
  );
}

/** Names with their addresses, several of one name with commas between, as bake takes them. */
export function hostsOf(value: unknown): Record<string, string> {
  const pairs = Array.isArray(value)
    ? listOf(value).map((item): [string, string[]] => {
        const [, name = '', address = ''] = /^([^=:]+)[=:](.*)$/s.exec(item) ?? [];
        return [name, [address]];
      })
    : Object.entries((value ?? {}) as object).map(([name, item]): [string, string[]] => [name, listOf(item)]);
  const found: Record<string, string> = {};
  for (const [name, addresses] of pairs) {
    found[name] = [...(found[name] === undefined ? [] : [found[name]]), ...addresses].join(',');
  }
  return found;
}

/** A URL for the builder, unchanged, or a path from `folder`. */
export function pathOrUrl(text: string, folder: string): string {
  if (isRemoteContext(text)) return text;
  return isAbsolute(text) ? text : join(folder, text);
}

/** `default` once, in the order given. */
export function inheritedSsh(entries: readonly string[]): string[] {
  return [...new Set(entries.map((entry) => (entry === '' ? 'default' : entry)))];
}
