import { createPrivateKey } from 'node:crypto';
import ssh2, { type ParsedKey } from 'ssh2';
import { UserError } from '../../kernel/errors.ts';
import { fingerprint } from './known-hosts.ts';

/** A key for logins. */
export interface LoginKey {
  readonly key: ParsedKey;
  /** Where it comes from: `SLUICE_SSH_KEY`, a path, `ssh-agent`. */
  readonly source: string;
  readonly fingerprint: string;
}

export function loginKey(key: ParsedKey, source: string): LoginKey {
  return { key, source, fingerprint: fingerprint(key.getPublicSSH()) };
}

/**
 * Reads a private key as people store it in secrets: with CRLF, without the last newline, on one line, with `\n`
 * spelled out, or base64-encoded as a whole.
 *
 * @param source the key's name in messages: a variable or a path.
 * @throws UserError `host.login-key-malformed`, `-public`, `-encrypted` (no passphrase) or `-passphrase` (a wrong one).
 */
export function readLoginKey(text: string, source: string, passphrase: string | undefined): LoginKey {
  const pem = normalise(text);
  if (looksPublic(pem)) {
    throw new UserError({
      code: 'host.login-key-public',
      message: `${source} is a public key; a login needs the private key`,
      hint: 'Use the file without .pub, which begins with -----BEGIN.',
    });
  }
  const first = parse(pem, passphrase);
  const parsed = first instanceof Error ? (parsePkcs8(pem, passphrase) ?? first) : first;
  if (parsed instanceof Error) throw unreadable(parsed, pem, source, passphrase);
  if (!parsed.isPrivateKey()) throw unreadable(new Error('it is not a private key'), pem, source, passphrase);
  return loginKey(parsed, source);
}

function parse(pem: string, passphrase: string | undefined): ParsedKey | Error {
  try {
    const parsed: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(pem, passphrase);
    return Array.isArray(parsed) ? (parsed[0] ?? new Error('it is not a key')) : parsed;
  } catch (error) {
    // For some malformed keys the parser throws instead of returning its error.
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** ssh2 does not support PKCS#8 (`BEGIN PRIVATE KEY`), which openssl and cloud consoles write; Node does. */
function parsePkcs8(pem: string, passphrase: string | undefined): ParsedKey | undefined {
  if (!/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(pem)) return undefined;
  try {
    const key = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
    const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1';
    const parsed = parse(key.export({ type, format: 'pem' }).toString(), undefined);
    return parsed instanceof Error ? undefined : parsed;
  } catch {
    // ed25519 has neither form; a wrong passphrase ends here too.
    return undefined;
  }
}

function unreadable(cause: Error, pem: string, source: string, passphrase: string | undefined): UserError {
  const encrypted = isEncrypted(pem) || /encrypted|passphrase/i.test(cause.message);
  if (encrypted && passphrase === undefined) {
    return new UserError({
      code: 'host.login-key-encrypted',
      message: `The private key in ${source} is encrypted`,
      hint: 'Set SLUICE_SSH_PASSPHRASE, or use a deploy key without a passphrase.',
    });
  }
  if (encrypted) {
    return new UserError({
      code: 'host.login-key-passphrase',
      message: `SLUICE_SSH_PASSPHRASE does not decrypt the private key in ${source}`,
      hint: `Check it with ssh-keygen -y -f KEY. (${cause.message})`,
    });
  }
  // "Unsupported OpenSSH key magic: …" would show the first bytes of what may be a secret.
  const why = cause.message.replace(/magic:[\s\S]*/, 'magic');
  return new UserError({
    code: 'host.login-key-malformed',
    message: `Cannot read the private key in ${source}: ${why}`,
    hint: `Set it to the whole file from -----BEGIN to -----END; ${describe(pem)}. \`ssh-keygen -p -f KEY\` converts other formats.`,
  });
}

/** Describes the text without quoting it: it may be a secret. */
function describe(pem: string): string {
  const begin = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1];
  const lines = pem.trim().split('\n').length;
  return `it has ${lines} ${lines === 1 ? 'line' : 'lines'} and begins with ${begin === undefined ? 'something else' : `-----BEGIN ${begin}-----`}`;
}

function looksPublic(pem: string): boolean {
  return /^(ssh-|ecdsa-sha2-|sk-|---- BEGIN SSH2 PUBLIC|-----BEGIN (RSA )?PUBLIC KEY)/.test(pem);
}

function isEncrypted(pem: string): boolean {
  if (/^(Proc-Type: 4,ENCRYPTED|Encryption: aes)/m.test(pem) || pem.includes('BEGIN ENCRYPTED PRIVATE'))
    return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*)-----END/.exec(pem)?.[1];
  // "openssh-key-v1\0", then the cipher's name: "none" unless a passphrase protects the key.
  const head = Buffer.from(body ?? '', 'base64');
  return head.toString('latin1', 0, 14) === 'openssh-key-v1' && head.toString('latin1', 19, 23) !== 'none';
}

function normalise(text: string): string {
  let pem = text
    .replaceAll('\u0000', '')
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .replaceAll('\r', '\n')
    .trim();
  if (!pem.includes('\n')) pem = pem.replaceAll('\\n', '\n').trim();
  if (!pem.includes('-----') && /^[A-Za-z0-9+/=\s]+$/.test(pem)) {
    const decoded = Buffer.from(pem, 'base64').toString('utf8');
    if (/^(-----BEGIN|PuTTY-User-Key)/.test(decoded)) return normalise(decoded);
  }
  // Pasted through a tool that turned newlines into spaces.
  const flat = /^(-----BEGIN [A-Z ]+-----)\s([A-Za-z0-9+/=\s]+)(-----END [A-Z ]+-----)$/.exec(pem);
  if (flat) {
    const body = (flat[2] ?? '').replace(/\s+/g, '').replace(/.{70}/g, '$&\n').trimEnd();
    pem = `${flat[1]}\n${body}\n${flat[3]}`;
  }
  return `${pem}\n`;
}
