import { UserError } from '../../kernel/errors.ts';

/** Anchors and `extends` give many services the same mount: one mistake is one error, with all of them. */
export function joinFaults(faults: readonly UserError[]): UserError[] {
  const groups = new Map<string, { readonly first: UserError; readonly names: string[] }>();
  for (const fault of faults) {
    const [, name, rest] = /^services\.([^:]+)\.(volumes: .*)$/s.exec(fault.message) ?? [];
    const key = `${fault.code} ${rest ?? fault.message} ${fault.hint}`;
    const group = groups.get(key) ?? { first: fault, names: [] };
    groups.set(key, group);
    if (name !== undefined) group.names.push(name);
  }
  return [...groups.values()].map(({ first, names }) => {
    if (names.length < 2) return first;
    const { code, message, hint, at } = first;
    return new UserError({
      code,
      message: `${message} (also in ${enumerate(names.slice(1))})`,
      ...(hint === undefined ? {} : { hint }),
      ...(at === undefined ? {} : { at }),
    });
  });
}

/** Lines `web: text`, those of the same text in one: `web, worker: text`. */
export function joinLines(lines: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = '', text = line] = /^([\w.-]+): (.*)$/s.exec(line) ?? [];
    groups.set(text, [...(groups.get(text) ?? []), name]);
  }
  return [...groups].map(([text, names]) => (names[0] === '' ? text : `${enumerate(names)}: ${text}`));
}

function enumerate(names: readonly string[]): string {
  if (names.length > 4) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
