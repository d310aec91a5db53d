import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';

/** Leftovers of editors and systems. */
const junk = /^(?:\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|.*\.sw[po]|.*~|\.gitkeep|\.keep)$/i;

const secretNames =
  /^(?:.*\.env|\.env\..*|\.npmrc|\.pypirc|\.netrc|\.htpasswd|\.git-credentials|\.pgpass|id_(?:rsa|dsa|ecdsa|ed25519)(?:\.(?!pub$).*)?|.*\.(?:p12|pfx|jks|kdbx|tfstate)|sluice\.ya?ml)$/i;
const secretFolders = /^\.(?:git|hg|svn|ssh|aws|gnupg)$/;
const keyFiles = /\.(?:pem|key)$|^[^.]*key$/i;

export function isJunk(name: string): boolean {
  return junk.test(name);
}

/** The fault of a name that must not be published. */
export function nameFault(name: string, path: string): UserError | undefined {
  if (name === 'node_modules') {
    return new UserError({
      code: 'cdn.not-built',
      message: `${path} is in the folder to publish: it contains packages, not the output of a build`,
      hint: 'Set cdn.dist to the output folder of the build, or add this one to cdn.exclude.',
    });
  }
  if (secretFolders.test(name)) return secretFault(path, 'contains private files');
  return secretNames.test(name) ? secretFault(path, 'usually contains secrets') : undefined;
}

/** Whether a file may contain a private key, by its name or its beginning. */
export function mayBeKey(name: string, start: Buffer): boolean {
  return keyFiles.test(name) || start.subarray(0, keyStart.length).equals(keyStart);
}

const keyStart = Buffer.from('-----BEGIN');

/** A certificate is public, its key is not. */
export function keyFault(path: string, bytes: Buffer): UserError | undefined {
  return bytes.includes('PRIVATE KEY-----') ? secretFault(path, 'is a private key') : undefined;
}

function secretFault(path: string, why: string): UserError {
  return new UserError({
    code: 'cdn.secret-file',
    message: `${path} must not be published: it ${why}`,
    hint: 'Remove it from the folder, or add it to cdn.exclude.',
  });
}

/** S3's limit for the key of an object. */
const longestKey = 1024;

/** The fault of a path that cannot be a key or a URL. */
export function pathFault(path: string, prefix: string): UserError | undefined {
  const refuse = (why: string, hint = 'Rename it, or add it to cdn.exclude.') =>
    distFault(`${shown(path)} cannot be published: ${why}`, hint);
  if (path.includes('\ufffd')) return refuse('its name is not valid UTF-8');
  if (/[\x00-\x1f\x7f\\]/.test(path)) {
    return refuse(
      'its name contains a backslash or a control character, which browsers interpret differently',
    );
  }
  if (path === '.sluice' || path.startsWith('.sluice/')) {
    return refuse('Sluice keeps its own files at this path', 'Remove it from the folder.');
  }
  const bytes = Buffer.byteLength(prefix + path);
  if (bytes <= longestKey) return undefined;
  return refuse(`its key has ${bytes} bytes; stores accept at most ${longestKey}`);
}

/** UserError `cdn.dist`. */
export function distFault(message: string, hint?: string, cause?: unknown): UserError {
  return new UserError({ code: 'cdn.dist', message, ...(hint === undefined ? {} : { hint }), cause });
}

/** A name on one line of at most 200 characters, harmless in terminals and logs. */
export function shown(path: string): string {
  const line = harmless(path).replaceAll(/[\n\r\t]/g, ' ');
  return line.length <= 200 ? line : `${line.slice(0, 100)}…${line.slice(-90)}`;
}
