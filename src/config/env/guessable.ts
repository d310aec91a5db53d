import { createHash } from 'node:crypto';

/**
 * Keys that are printed in the documentation of emulators and tests, as SHA-256: Azurite's storage account
 * (learn.microsoft.com/azure/storage/common/storage-use-azurite), the Cosmos DB emulator (learn.microsoft.com/azure/cosmos-db/emulator),
 * AWS's example (docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html), reCAPTCHA's test secret
 * (developers.google.com/recaptcha/docs/faq).
 */
const published = new Set([
  '0011cc25eb4320717494d2703e8cba85743e71b500283c21c8b88147992f9059',
  'aa6547439583c3a275d4542a0df6c1ad6a863971be9f2a2220f027cc02aef615',
  '78314b11be2e581549ac1c4f616563fad3fdf0c3b71678f6e2299182080e0598',
  'f5e95c9954635b65acab57e6d5ea663eb900f06dc8794a90358f5abb1c77d4e0',
]);

/** Whether everybody has this secret, because a documentation prints it for emulators and tests. */
export function isPublished(value: string): boolean {
  const text = value.trim();
  return text.length >= 32 && published.has(createHash('sha256').update(text).digest('hex'));
}

/**
 * Whether a secret that is long enough is still easy to guess.
 *
 * @returns why, as the end of a sentence; undefined if nothing speaks against it. It never holds a part of the value.
 */
export function guessable(value: string): string | undefined {
  // A key in several lines is long enough to be judged by its beginning.
  const text = value.trim().slice(0, 512);
  if (text.length < 8) return undefined;
  if (isPublished(text)) return 'is published in the documentation of an emulator or a test';
  const distinct = new Set(text).size;
  if (distinct <= 4) return `has only ${distinct} different ${distinct === 1 ? 'character' : 'characters'}`;
  const unit = period(text);
  if (unit !== undefined) return `repeats the same ${unit} characters`;
  if (isSequence(text)) return 'is a keyboard or alphabet sequence';
  if (isOfWords(text)) return 'consists of words that attackers try first';
  // Random hexadecimal digits have 3 bits each and more, except once in millions.
  if (text.length >= 24 && entropy(text) < 2.4) return 'has less variety than a generated secret';
  return undefined;
}

/** Length of a part that the whole text repeats at least twice and a half. */
function period(text: string): number | undefined {
  for (let unit = 1; unit * 2.5 <= text.length; unit++) {
    if (text.slice(unit) === text.slice(0, text.length - unit)) return unit;
  }
  return undefined;
}

const runs = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  '0123456789abcdef',
];

/** Most of it is one piece of a run, or several behind each other. */
function isSequence(text: string): boolean {
  const folded = text.toLowerCase();
  let inRuns = 0;
  for (let index = 0; index + 4 <= folded.length; index++) {
    const piece = folded.slice(index, index + 4);
    if (runs.some((run) => run.includes(piece) || [...run].reverse().join('').includes(piece))) inRuns++;
  }
  return inRuns >= (folded.length - 3) * 0.6;
}

/** Words of secrets that people make up. */
const common = new Set(
  (
    'password passwd pass secret key keys super supersecret my the this very long dev development developer local test testing ' +
    'tests admin administrator root user production prod staging insecure unsafe django flask fastapi rails node app api ' +
    'jwt token session web site backend frontend database postgres mysql redis default example sample demo dummy fake ' +
    'change changeme changethis please only not for use safe random string value letmein welcome qwerty hello world and'
  ).split(' '),
);

const longest = Math.max(...[...common].map((word) => word.length));

/** Nothing but such words, in a row or with digits and marks between them. */
function isOfWords(text: string): boolean {
  const letters = text
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .slice(0, 200);
  if (letters.length < 6 || letters.length < text.length * 0.6) return false;
  const reachable = new Set([0]);
  for (let start = 0; start < letters.length; start++) {
    if (!reachable.has(start)) continue;
    for (let end = start + 2; end <= Math.min(letters.length, start + longest); end++)
      if (common.has(letters.slice(start, end))) reachable.add(end);
  }
  return reachable.has(letters.length);
}

/** Shannon's, in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= (count / text.length) * Math.log2(count / text.length);
  return sum;
}
