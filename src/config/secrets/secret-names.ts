import { shapeOf } from '../../kernel/masking/secret-shapes.ts';

/** Words that make a name one of a secret, wherever in it they are. */
const strong =
  /(?:^|_)(?:SECRETS?|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|TOKEN|CREDENTIALS?|SALT|PEPPER|(?:API|ACCESS|ENCRYPTION|SIGNING|PRIVATE(?:_\w{1,40}?)?|MASTER|SESSION|LICENSE|AUTH)_?KEYS?)(?=_|$)/gi;
/** Words that do so only at the end: AUTH_PROVIDER and NEXT_PRIVATE_APP_URL are not secrets. */
const weak = /(?:^|_)(?:AUTH|PRIVATE|WEBHOOK|DSN)$|_WEBHOOK_URL$/i;
/** The same anywhere: broad enough for a mask. */
const broad =
  /(?:^|_)(?:SECRETS?|PASSWORD|PASSWD|PASS|PWD|PASSPHRASE|TOKEN|CREDENTIALS?|SALT|PEPPER|PRIVATE|WEBHOOK|DSN|AUTH)(?:_|$)|(?:^|_)(?:API|ACCESS|ENCRYPTION|SIGNING|SECRET|PRIVATE|MASTER|SESSION|LICENSE)_?KEY(?:_|$|S$)/i;

/** Behind the secret's word these speak about it: its length, its age, where it is, who gives it. */
const about = new Set(
  [
    'EXPIRE EXPIRES EXPIRED EXPIRY EXPIRATION MINUTES MINUTE SECONDS SECOND SECS MS HOURS HOUR DAYS DAY WEEKS TTL AGE',
    'LIFETIME DURATION INTERVAL TIMEOUT LEEWAY DELAY ROTATION ROTATE GRACE',
    'LIMIT LIMITS RATE QUOTA LENGTH LEN MIN MAX MINIMUM MAXIMUM SIZE COUNT NUM NUMBER BYTES BITS ROUNDS COST ITERATIONS ATTEMPTS',
    'ALGORITHM ALGORITHMS ALG ALGO TYPE TYPES NAME NAMES FILE FILES PATH DIR FOLDER MOUNT HEADER HEADERS PREFIX SUFFIX ID IDS',
    'ISSUER AUDIENCE POLICY METHOD METHODS MODE PROVIDER PROVIDERS BACKEND BACKENDS CLASS DRIVER HASHER HASHERS ENCODER VALIDATOR VALIDATORS',
    'VALIDATION HOST HOSTNAME PORT USER USERNAME REALM REGION ENDPOINT DOMAIN URL URI URLS SCHEME PROTOCOL VERSION STORE STORAGE',
    'ENABLE ENABLED DISABLE DISABLED REQUIRE REQUIRED ALLOW ALLOWED RESET COOKIE SOURCE EMAIL FORMAT FROM FIELD PARAM PARAMETER QUERY',
    'STRATEGY SCOPE SCOPES GROUP GROUPS ROLE ROLES CLAIM CLAIMS STRENGTH COMPLEXITY HISTORY HINT REGEX PATTERN TEMPLATE LABEL ENCODING CURVE',
  ]
    .join(' ')
    .split(' '),
);
/** Before it they make a switch of it: MYSQL_RANDOM_ROOT_PASSWORD=yes, ENABLE_EMAIL_PASSWORD=1. */
const switchWord =
  /(?:^|_)(?:ALLOW|ENABLE|DISABLE|REQUIRE|EMPTY|SKIP|FORCE|HIDE)_|^(?:MYSQL|MARIADB)_RANDOM_|^(?:USE|HAS|IS|SHOW|WITH|WITHOUT|NO|MAX|MIN)_/i;

/** Whether a variable's name says that it holds a secret, and not a setting about one (`TOKEN_EXPIRY_SECONDS`). */
export function isSecretName(key: string): boolean {
  // The shell's own: the folder it is in.
  if (/^(?:OLD)?PWD$/.test(key)) return false;
  const last = [...key.matchAll(strong)].at(-1);
  if (last === undefined) return weak.test(key) && !switchWord.test(key);
  const end = last.index + last[0].length;
  const rest = key.slice(end).toUpperCase().split('_');
  return !rest.some((word) => about.has(word)) && !switchWord.test(key.slice(0, last.index + 1));
}

/** Whether a name has to do with secrets at all: its value is masked, whatever it is. */
export function speaksOfSecret(key: string): boolean {
  return broad.test(key);
}

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
