import { placeholderIn } from '../../config/env/audit.ts';
import { isSecretName, secretIn } from '../../config/secrets/secret-names.ts';

/** Whether a variable of this name holds a secret and not a setting about one. */
export function namesSecret(name: string): boolean {
  // What is built into a page is public, and so is the DSN of Sentry by its own word.
  if (
    /^(?:NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|EXPO_PUBLIC)_|SENTRY_DSN/.test(name) ||
    /PUBLIC_?KEY|PUBLISHABLE/i.test(name)
  )
    return false;
  return isSecretName(name);
}

/** Whether a text looks like the secret itself: not empty, no reference, no number, no path, no switch. */
export function looksSecret(value: string): boolean {
  const text = value.trim();
  if (text === '' || /^[$%{<]/.test(text) || /\$\{|\{\{/.test(text)) return false;
  if (/not[-_ ]?a[-_ ]?secret|^unused$/i.test(text)) return false;
  if (/^(?:true|false|yes|no|on|off|none|null|-?\d{1,6}(?:\.\d+)?)$/i.test(text)) return false;
  return !/^(?:\.{0,2}\/|[a-z]+:\/\/[^@]*$)/i.test(text);
}

/** A secret by the form of its value, whatever its name: `a GitHub token`, `a URL with a password`. */
export function secretShape(value: string): string | undefined {
  const shape = secretIn([], value);
  if (shape === undefined || isFilledIn(value)) return undefined;
  if (shape !== urlShape) return shape;
  return isOpenUrl(value) ? undefined : shape;
}

export const urlShape = 'a URL with a password';

/** `xoxb-xxxx-xxxx`, `ghp_****`: the form of a token, with nothing in it. */
function isFilledIn(value: string): boolean {
  const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----((?:(?!-----BEGIN).)*?)-----END/s.exec(value)?.[1];
  // The shortest keys there are, of Ed25519, have 64 characters.
  if (key !== undefined) return key.replaceAll(/\\n|\s/g, '').length < 60;
  return /(?:^|[-_./:])(?:x{4,}|X{4,}|\*{3,}|0{6,}|\.{3})(?:$|[-_./@])/.test(value);
}

/** Words that nobody has for a password, unlike `postgres`. */
const filler = /change[-_ ]?(?:me|this|it)|dummy|fake|placeholder|example|^your[-_]|^x{3,}$|\*{3}|^\.{3}$/i;

/** A URL whose password guards nothing: a reference, a word that keeps its place, a server on the machine itself. */
function isOpenUrl(value: string): boolean {
  const [, user = '', password = '', host = ''] = /:\/\/([^\s/:@]*):([^\s/@]+)@([^\s/:?]*)/.exec(value) ?? [];
  if (!looksSecret(password) || filler.test(password)) return true;
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal)?$/i.test(host);
  // user:pass@host and the like show the form.
  const isForm = /^(?:user(?:name)?|usr)$/i.test(user) && /^(?:pass(?:word|wd)?|pwd)$/i.test(password);
  return isHere || isForm || /^(?:host(?:name)?|(?:[\w-]+\.)*example\.(?:com|org|net))$/i.test(host);
}

/** What is made up so that a build or a test has something: `dummy`, `build-only`, `placeholder-for-build`, `deadbeef`. */
export function isDummy(value: string): boolean {
  return (
    placeholderIn('SECRET', value) ||
    /(?:^|[-_ .])(?:dummy|fake|mock|stub|placeholder|unused|ignored?|noop|example|sample|foo(?:bar)?|build(?:[-_ ]?(?:time|only))?|precompile|assets?)(?:$|[-_ .\d])|not[-_ ]?(?:a[-_ ]?)?(?:real|secret)|^(?:dead ?beef|cafe ?babe|0x)+$|localhost|127\.0\.0\.1/i.test(
      value,
    )
  );
}

/** Whether a value only keeps the place of a secret. */
export function isPlaceholder(name: string, value: string): boolean {
  return placeholderIn(name, value);
}
