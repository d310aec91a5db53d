import { UserError } from '../../kernel/errors.ts';
import { harmless } from '../../kernel/foreign.ts';

/** What editors and systems leave behind; nobody means to publish it. */
const junk = /^(?:\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|.*\.sw[po]|.*~|\.gitkeep|\.keep)$/i;

const secretNames =
  /^(?:.*\.env|\.env\..*|\.npmrc|\.pypirc|\.netrc|\.htpasswd|\.git-credentials|\.pgpass|id_(?:rsa|dsa|ecdsa|ed25519)(?:\.(?!pub$).*)?|.*\.(?:p12|pfx|jks|kdbx|tfstate)|sluice\.ya?ml)$/i;
const secretFolders = /^\.(?:git|hg|svn|ssh|aws|gnupg)$/;
const keyFiles = /\.(?:pem|key)$|^[^.]*key$/i;

export function isJunk(name: string): boolean {
  return junk.test(name);
}

/** Why a file or folder must not be published because of its name; undefined: it may be. */
export function nameFault(name: string, path: string): UserError | undefined {
  if (name === 'node_modules') {
    return new UserError({
      code: 'cdn.not-built',
      message: `${path} is in the folder to be published: packages that a build takes from, not what it makes`,
      hint: 'Name the folder that the build writes in cdn.dist, or this one in cdn.exclude.',
    });
  }
  if (secretFolders.test(name)) return secretFault(path, 'holds what nobody should see');
  return secretNames.test(name) ? secretFault(path, 'usually holds secrets') : undefined;
}

/** Whether a file has to be looked into by its name or its beginning: it may hold a private key. */
export function mayBeKey(name: string, start: Buffer): boolean {
  return keyFiles.test(name) || start.subarray(0, keyStart.length).equals(keyStart);
}

const keyStart = Buffer.from('-----BEGIN');

/** A certificate may be published, its key may not. */
export function keyFault(path: string, bytes: Buffer): UserError | undefined {
  return bytes.includes('PRIVATE KEY-----') ? secretFault(path, 'is a private key') : undefined;
}

function secretFault(path: string, why: string): UserError {
  return new UserError({
    code: 'cdn.secret-file',
    message: `${path} must not be published: it ${why}`,
    hint: 'Take it out of the folder, or name it in cdn.exclude.',
  });
}

/** S3's limit for the key of an object. */
const longestKey = 1024;

/** Why a path can't be a key in a store, or no address; undefined: it can. */
export function pathFault(path: string, prefix: string): UserError | undefined {
  const refuse = (why: string, hint = 'Rename it, or name it in cdn.exclude.') =>
    distFault(`${shown(path)} cannot be published: ${why}`, hint);
  if (path.includes('\ufffd')) return refuse('its name is not valid UTF-8');
  if (/[\x00-\x1f\x7f\\]/.test(path)) {
    return refuse('its name has a backslash or a control character, which browsers take for something else');
  }
  if (path === '.sluice' || path.startsWith('.sluice/')) {
    return refuse('Sluice keeps its own files there', 'Take it out of the folder: it is no part of a site.');
  }
  const bytes = Buffer.byteLength(prefix + path);
  if (bytes <= longestKey) return undefined;
  return refuse(`its key would have ${bytes} bytes, and ${longestKey} is the most that a store takes`);
}

/** UserError `cdn.dist`. */
export function distFault(message: string, hint?: string, cause?: unknown): UserError {
  return new UserError({ code: 'cdn.dist', message, ...(hint === undefined ? {} : { hint }), cause });
}

/** A name as one line of at most 200 characters that no terminal or runner takes for a command. */
export function shown(path: string): string {
  const line = harmless(path).replaceAll(/[\n\r\t]/g, ' ');
  return line.length <= 200 ? line : `${line.slice(0, 100)}…${line.slice(-90)}`;
}
