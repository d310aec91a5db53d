import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { type Place, UserError } from '../../kernel/errors.ts';
import { textsIn, usesIn } from '../env/interpolate.ts';
import type { Env } from '../model.ts';
import { shownPath, textsOf } from './cli.ts';

/** A text with variables at the key that Docker Compose complains about. */
interface Suspect {
  readonly key: string;
  readonly names: readonly string[];
  readonly at: Place;
}

/**
 * Docker Compose names the key whose value it can't use, sometimes only the value, and never the variable that the
 * value comes from. Undefined: no variable is at that place, and the file itself is wrong.
 *
 * @param said what Compose printed, with values replaced by `${NAME}` where they could be recognized.
 * @returns `compose.value`: names the variables, their key and its place; never a value.
 */
export async function variableFault(
  said: string,
  files: readonly string[],
  env: Env,
): Promise<UserError | undefined> {
  const suspects = await suspectsIn(said, files, env);
  const [first] = suspects;
  if (first === undefined) return undefined;
  const empty = first.names.filter((name) => !env[name]);
  const list = first.names.map((name) => `$\{${name}}`).join(' and ');
  const isEmpty =
    empty.length === first.names.length ? `, which ${empty.length === 1 ? 'is' : 'are'} empty` : '';
  return new UserError({
    code: 'compose.value',
    message: `${first.key}: Docker Compose rejects the value of ${list}${isEmpty}`,
    hint: `Fix ${first.names.join(' or ')} in the target’s variables, or write the value in the compose file.`,
    at: first.at,
    output: said,
  });
}

/**
 * Variables that reach Compose because it can't run without them, and whose value is this machine's: used in a file,
 * they would be taken in silence.
 */
export async function machineVariables(files: readonly string[], env: Env): Promise<string[]> {
  const own = ['PATH', 'DOCKER_CONFIG'].filter((name) => env[name] === undefined);
  const texts = await textsOf(files);
  const suspicious = texts.filter((text) => own.some((name) => text.includes(name)));
  const used = suspicious.flatMap((text) => placedTexts(text).flatMap((placed) => usesIn(placed.text)));
  return own.filter((name) => used.some((use) => use.name === name));
}

/** Whether the entry of `ports` ends with nothing because of this variable, or the wrong part is one of its value. */
function isAtFault(entry: string, name: string, part: string, env: Env): boolean {
  const value = env[name];
  if (/^:?(?:<empty>)?$/.test(part))
    return !value && new RegExp(`(?:^|:)\\$\\{?${name}\\}?(?:/\\w+)?$`).test(entry);
  return value?.split(':').includes(part) === true;
}

async function suspectsIn(said: string, files: readonly string[], env: Env): Promise<Suspect[]> {
  const keys = keysIn(said);
  const quoted = new Set([...said.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name));
  const byKey: Suspect[] = [];
  const byValue: Suspect[] = [];
  const byPort: (Suspect & { readonly text: string })[] = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const placed of placedTexts(text)) {
      const names = [...new Set(usesIn(placed.text).map(({ name }) => name))];
      if (names.length === 0) continue;
      const key = placed.path.join('.');
      const suspect = { key, names, at: { file: shownPath(file), ...lineOf(text, placed.text) } };
      if (keys.some((other) => key === other || key.startsWith(`${other}.`))) byKey.push(suspect);
      // Compose quotes a bad port without saying whose it is.
      else if (
        names.some((name) => quoted.has(name)) &&
        (keys.length > 0 || /port/i.test(said) === /\.ports\./.test(key))
      )
        byValue.push({ ...suspect, names: names.filter((name) => quoted.has(name)) });
      else if (keys.length === 0 && /\bport\b|hostPort|containerPort/i.test(said) && /\.ports\./.test(key))
        byPort.push({ ...suspect, text: placed.text });
    }
  }
  const exact = byKey.filter(({ names }) => names.some((name) => quoted.has(name)));
  if (exact.length > 0) return exact;
  if (byKey.length > 0) return byKey;
  if (byValue.length > 0) return byValue;
  // Of a value it quotes only what is wrong in it (`Invalid hostPort: 127.0.0.1`), and of an empty one nothing.
  const part = /: "?([^\s"]+?)"?$/m.exec(said)?.[1] ?? '';
  return byPort
    .map(({ text, ...suspect }) => ({
      ...suspect,
      names: suspect.names.filter((name) => isAtFault(text, name, part, env)),
    }))
    .filter(({ names }) => names.length > 0);
}

/** `services.web.cpus`, `services[web].mem_limit`, and what is said of a service in words. */
function keysIn(said: string): string[] {
  const dotted = said.replaceAll(/\[["']?([\w-]+)["']?\]/g, '.$1');
  const keys = [...dotted.matchAll(/\b(?:services|networks|volumes|secrets|configs)(?:\.[\w-]+)+/g)].map(
    ([key]) => key,
  );
  const undefinedThing =
    /service "([^"]+)" (?:refers to|depends on) undefined (volume|network|secret|config|service)/.exec(said);
  if (undefinedThing !== null) {
    const [, service = '', thing = ''] = undefinedThing;
    keys.push(`services.${service}.${thing === 'service' ? 'depends_on' : `${thing}s`}`);
  }
  const imageless = /service "([^"]+)" has neither an image/.exec(said)?.[1];
  if (imageless !== undefined) keys.push(`services.${imageless}.image`);
  // The longest names the place best; a whole service does not name any.
  return keys
    .filter((key) => key.split('.').length > 2)
    .sort((a, b) => b.length - a.length)
    .slice(0, 1);
}

function placedTexts(text: string) {
  try {
    return [...textsIn(parse(text, { merge: true, logLevel: 'silent', uniqueKeys: false }))];
  } catch {
    return [];
  }
}

function lineOf(file: string, text: string): { line?: number } {
  const [first = ''] = text.split('\n');
  const index = file.split('\n').findIndex((line) => line.includes(first));
  return index < 0 ? {} : { line: index + 1 };
}
