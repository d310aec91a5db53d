import { placeholderIn } from '../../config/audit.ts';
import { isSecretName } from '../../config/secret-names.ts';
import { secretIn } from '../../config/secrets.ts';

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
  if (shape !== 'a URL with a password') return shape;
  // A password that is a reference is none.
  const password = /:\/\/[^\s/:@]*:([^\s/@]+)@/.exec(value)?.[1] ?? '';
  return looksSecret(password) ? shape : undefined;
}

/** Whether a value only keeps the place of a secret. */
export function isPlaceholder(name: string, value: string): boolean {
  return placeholderIn(name, value);
}
