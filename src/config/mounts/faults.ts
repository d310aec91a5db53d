import type { ErrorCode } from '../../kernel/catalogue.ts';
import { type Place, UserError } from '../../kernel/errors.ts';
import { isSecret } from './kinds.ts';

/** A source that cannot be deployed as it is written. */
export interface Wrong {
  /** `services.web.volumes`, `secrets.key`. */
  readonly owner: string;
  /** The source as the compose file has it. */
  readonly shown: string;
  /** Path in the container; undefined for secrets and configs. */
  readonly target?: string | undefined;
  readonly at: Place | undefined;
}

const onServer = 'use an absolute path on the server';

export function outside(wrong: Wrong): UserError {
  return fault('compose.mount-outside', wrong, {
    message: `${wrong.shown} is outside the repository, so a fresh clone does not have it`,
    hint: `Move it into the repository, or ${onServer}.`,
  });
}

export function inHome(wrong: Wrong): UserError {
  return fault('compose.mount-outside', wrong, {
    message: `${wrong.shown} is in the home folder of this machine’s user, not on the server`,
    hint: `Move it into the repository, or ${onServer}.`,
  });
}

export function missing(wrong: Wrong): UserError {
  return fault('compose.mount-missing', wrong, {
    message: `${wrong.shown} does not exist in the repository`,
    hint: isPrivate(wrong) ? secretHint(wrong) : `Commit the file, or ${onServer}.`,
  });
}

export function ignored(wrong: Wrong): UserError {
  return fault('compose.mount-ignored', wrong, {
    message: `git ignores ${wrong.shown}, so a fresh clone does not have it`,
    hint: isPrivate(wrong) ? secretHint(wrong) : `Build it into the image, stop ignoring it, or ${onServer}.`,
  });
}

/** @param path the link, as messages call it. */
export function badLink(wrong: Wrong, path: string): UserError {
  return fault('compose.mount-link', wrong, {
    message: `${path} is a link that is broken, circular or leads out of the repository`,
    hint: `Commit the file itself, or ${onServer}.`,
  });
}

export function tooLarge(wrong: Wrong): UserError {
  return fault('compose.mount-large', wrong, {
    message: `${wrong.shown} is larger than 20 MiB`,
    hint: 'Put data in a named volume and source code in the image: a release includes only configuration.',
  });
}

export function data(wrong: Wrong): UserError {
  return fault('compose.mount-data', wrong, {
    message: `${wrong.shown} is mounted writable at ${wrong.target}, and a release cannot include data`,
    hint: `Use a named volume, or the absolute path of a folder on the server. If it is configuration, add :ro.`,
  });
}

export function dataFile(wrong: Wrong): UserError {
  return fault('compose.mount-data', wrong, {
    message: `${wrong.shown} is a file that the container writes to at ${wrong.target}, and a release cannot include data`,
    hint: 'Mount its folder, use a named volume, or use an absolute path on the server.',
  });
}

/** @param files of the repository, from the folder on. */
export function mixed(wrong: Wrong, files: readonly string[], way: 'untrack' | 'ignore'): UserError {
  const more = files.length > 1 ? ` and ${files.length - 1} more` : '';
  const { shown, target } = wrong;
  return way === 'untrack'
    ? fault('compose.mount-data', wrong, {
        message: `${shown} is mounted writable at ${target}, and the repository has files in it (${files[0]}${more}): a release cannot include data`,
        hint: `Move them out of ${shown}: then it is a folder on the server. If it is configuration, add :ro.`,
      })
    : fault('compose.mount-data', wrong, {
        message: `${shown} is mounted writable at ${target}, and its files are not committed (${files[0]}${more})`,
        hint: `If the app writes them, add ${shown} to .gitignore: then it is a folder on the server. If they belong to the repository, commit them.`,
      });
}

/** @param holder the image without the code: "the image node:22", "the image of Dockerfile". */
export function code(wrong: Wrong, holder: string, hint: string): UserError {
  return fault('compose.mount-code', wrong, {
    message: `${wrong.shown} is source code mounted at ${wrong.target}, and ${holder} does not contain it`,
    hint,
  });
}

/** @param key such as `security_opt`. */
export function localFile(service: string, key: string, shown: string, at: Place | undefined): UserError {
  return new UserError({
    code: 'compose.local-file',
    message: `services.${service}.${key}: ${shown} is a file in this checkout, which Sluice does not copy to the server`,
    hint: 'Copy the file to the server, and use its absolute path.',
    ...(at === undefined ? {} : { at }),
  });
}

function isPrivate({ owner, shown, target }: Wrong): boolean {
  return owner.startsWith('secrets.') || isSecret(shown) || (target !== undefined && isSecret(target));
}

/** A secret must come from the target, never from a commit. */
function secretHint({ owner, shown, target }: Wrong): string {
  const [kind = '', own = ''] = owner.split('.');
  const isObject = kind === 'secrets' || kind === 'configs';
  const name = isObject ? own : (shown.split('/').at(-1) ?? '').replace(/\.\w+$/, '');
  const variable =
    name
      .replace(/\W+/g, '_')
      .replace(/^_+|(?<!_)_+$/g, '')
      .toUpperCase() || 'NAME';
  const line = isObject
    ? `${kind}: { ${own}: { environment: ${variable} } }`
    : `a compose secret with \`environment: ${variable}\`${target === undefined ? '' : `, mounted at ${target}`}`;
  return `Read it from the target’s variables: ${line}, with ${variable} in env or env-secret. Or ${onServer}.`;
}

function fault(
  code: ErrorCode,
  { owner, at }: Wrong,
  { message, hint }: { message: string; hint: string },
): UserError {
  return new UserError({ code, message: `${owner}: ${message}`, hint, ...(at === undefined ? {} : { at }) });
}

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
