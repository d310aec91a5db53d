import { placeholderIn } from '../../config/env/audit.ts';
import { isSecretName, secretIn } from '../../config/secrets/secret-names.ts';

/** Whether a variable of this name holds a secret, not a setting of one. */
export function namesSecret(name: string): boolean {
  // Variables built into a page are public, and so is Sentry's DSN, according to its documentation.
  if (
    /^(?:NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|EXPO_PUBLIC)_|SENTRY_DSN/.test(name) ||
    /PUBLIC_?KEY|PUBLISHABLE/i.test(name)
  )
    return false;
  return isSecretName(name);
}

/** Whether a text looks like the secret itself: not empty, not a reference, a number, a path or a switch. */
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
  // The shortest keys, of Ed25519, have 64 characters.
  if (key !== undefined) return key.replaceAll(/\\n|\s/g, '').length < 60;
  return /(?:^|[-_./:])(?:x{4,}|X{4,}|\*{3,}|0{6,}|\.{3})(?:$|[-_./@])/.test(value);
}

/** Words that are never real passwords, unlike `postgres`. */
const filler = /change[-_ ]?(?:me|this|it)|dummy|fake|placeholder|example|^your[-_]|^x{3,}$|\*{3}|^\.{3}$/i;

/** A URL whose password protects nothing: a reference, a placeholder, a server on localhost. */
function isOpenUrl(value: string): boolean {
  const [, user = '', password = '', host = ''] = /:\/\/([^\s/:@]*):([^\s/@]+)@([^\s/:?]*)/.exec(value) ?? [];
  if (!looksSecret(password) || filler.test(password)) return true;
  const isHere = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal)?$/i.test(host);
  // user:pass@host and similar only show the form.
  const isForm = /^(?:user(?:name)?|usr)$/i.test(user) && /^(?:pass(?:word|wd)?|pwd)$/i.test(password);
  return isHere || isForm || /^(?:host(?:name)?|(?:[\w-]+\.)*example\.(?:com|org|net))$/i.test(host);
}

/** Made-up values for builds and tests: `dummy`, `build-only`, `placeholder-for-build`, `deadbeef`. */
export function isDummy(value: string): boolean {
  return (
    placeholderIn('SECRET', value) ||
    /(?:^|[-_ .])(?:dummy|fake|mock|stub|placeholder|unused|ignored?|noop|example|sample|foo(?:bar)?|build(?:[-_ ]?(?:time|only))?|precompile|assets?)(?:$|[-_ .\d])|not[-_ ]?(?:a[-_ ]?)?(?:real|secret)|^(?:dead ?beef|cafe ?babe|0x)+$|localhost|127\.0\.0\.1/i.test(
      value,
    )
  );
}

/** Whether a value is a placeholder for a secret. */
export function isPlaceholder(name: string, value: string): boolean {
  return placeholderIn(name, value);
}
