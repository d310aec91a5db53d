import { shapeOf } from '../../kernel/masking/secret-shapes.ts';

const secretKey =
  /(?:^|[-_.])(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[-_]?key|private[-_]?key|access[-_]?key|webhook)s?$/i;

/** Keys of sluice.yml whose value is the NAME of a secret: any other text counts as the secret itself. */
const namePaths = [/^notify\.slack$/, /^targets\.[^.]+\.env-secret(?:\.\d+)?$/, /^targets\.[^.]+\.env\.\d+$/];
const variableName = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;
/** References to a value elsewhere. */
const reference = /^(?:\$\{\{.*\}\}|\$\{?[A-Za-z_]\w*\}?)$/;

/**
 * Whether a value in sluice.yml is a secret, judged by its form, its key, or its place.
 *
 * @returns what it is, such as "a private key"; undefined if it is not a secret.
 */
export function secretIn(path: readonly (string | number)[], text: string): string | undefined {
  const shape = shapeOf(text);
  if (shape !== undefined) return shape;
  const place = path.join('.');
  if (namePaths.some((pattern) => pattern.test(place)))
    return looksLikeName(text) ? undefined : 'a value, not a NAME';
  const key = String(path.at(-1) ?? '');
  if (!secretKey.test(key) || text === '' || reference.test(text)) return undefined;
  // SLACK_TOKEN names a secret; correct-horse-battery is one.
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/.test(text) ? undefined : 'a password';
}

/** Upper-case letters and digits alone could be a key as well, if they are long and have no underscore. */
function looksLikeName(text: string): boolean {
  if (!variableName.test(text)) return false;
  return text.includes('_') || (text.length <= 24 && !/\d.*[A-Za-z].*\d/.test(text));
}

/** Whether a key or a variable is named like a secret: `DB_PASSWORD`, `api-key`. */
export function isSecretKey(name: string): boolean {
  return secretKey.test(name);
}

/** Whether a text may be shown in a message: a short plain word, and no secret by its form. */
export function isShowable(text: string): boolean {
  return /^[\w.-]{1,60}$/.test(text) && shapeOf(text) === undefined && !isRandom(text);
}

/** Long mixtures of letters and digits: a key or token that was put in a wrong place. */
function isRandom(text: string): boolean {
  return text.length >= 20 && /\d/.test(text) && /[A-Za-z]/.test(text) && !/[-_.]/.test(text);
}
