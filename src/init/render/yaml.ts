import { parse, stringify } from 'yaml';

/** The lines of a key at the top of a YAML file, and the comments right above it. */
export function sectionOf(text: string, key: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const begin = lines.findIndex((line) => line.startsWith(`${key}:`));
  if (begin < 0) return undefined;
  const after = lines.slice(begin + 1);
  const next = after.findIndex((line) => /^[^\s#]/.test(line));
  const own = next < 0 ? after : after.slice(0, next);
  // Comments at the margin, before the next key, are that key's.
  while (own.length > 0 && /^(?:#.*|\s*)$/.test(own.at(-1) ?? '')) own.pop();
  let top = begin;
  while (top > 0 && lines[top - 1]?.startsWith('#')) top--;
  return [...lines.slice(top, begin + 1), ...own].join('\n');
}

/** The entries of a section in block style, each with the comments above it; those in braces are not found. */
export function splitEntries(section: string): Map<string, string> {
  const entries = new Map<string, string>();
  const lines = section.split('\n');
  const begin = lines.findIndex((line) => /^[^\s#][^:]*:\s*(?:#.*)?$/.test(line));
  const first = lines.slice(begin + 1).find((line) => /^\s+[^\s#]/.test(line));
  const indent = /^\s*/.exec(first ?? '')?.[0] ?? '';
  if (begin < 0 || indent === '') return entries;
  const entry = new RegExp(`^${indent}["']?([\\w-]+)["']?\\s*:(?:\\s|$)`);
  let above: string[] = [];
  let name: string | undefined;
  for (const line of lines.slice(begin + 1)) {
    const [, found] = entry.exec(line) ?? [];
    if (found !== undefined) {
      name = found;
      entries.set(name, [...above, line].join('\n'));
      above = [];
    } else if (new RegExp(`^${indent}#|^\\s*$`).test(line)) above.push(line);
    else if (name !== undefined) {
      entries.set(name, [entries.get(name), ...above, line].join('\n'));
      above = [];
    }
  }
  const rest = above.filter((line) => line.trim() !== '');
  if (name !== undefined && rest.length > 0)
    entries.set(name, [entries.get(name), ...above].join('\n').trimEnd());
  return entries;
}

/** An entry of a section, printed from its value where its text cannot be cut out: braces, anchors. */
export function entryOf(text: string, key: string, name: string): string | undefined {
  const document = parse(text, { merge: true }) as Record<string, Record<string, unknown> | undefined> | null;
  const value = document?.[key]?.[name];
  if (value === undefined) return undefined;
  return stringify({ [name]: value }, { lineWidth: 0, aliasDuplicateObjects: false })
    .trimEnd()
    .replace(/^/gm, '  ');
}
