import { createHash, createHmac } from 'node:crypto';

/** One line of a known_hosts file that names a key. */
export interface KnownHost {
  readonly marker: '@revoked' | '@cert-authority' | undefined;
  /** Host patterns as written: `name`, `*.example.com`, `!name`, `[name]:2222`, `|1|salt|hash`. */
  readonly patterns: readonly string[];
  readonly key: PublicKey;
  /** `file:line`, for messages. */
  readonly place: string;
}

/**
 * Reads the text of a known_hosts file (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"). Like OpenSSH, it ignores invalid lines: one
 * bad line of a shared file must not stop every deploy.
 */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const found: KnownHost[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#')) continue;
    const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') continue;
    const [names, type, base64] = words;
    if (names === undefined || type === undefined || base64 === undefined) continue;
    const key = readPublicKey(type, base64);
    if (key !== undefined)
      found.push({ marker, patterns: names.split(','), key, place: `${file}:${index + 1}` });
  }
  return found;
}

/** Whether a line is about this host. A port other than 22 is written `[address]:port`. */
export function matchesHost(entry: KnownHost, address: string, port: number): boolean {
  const name = address.toLowerCase();
  const written = port === 22 ? name : `[${name}]:${port}`;
  let matched = false;
  for (const pattern of entry.patterns) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(negated ? pattern.slice(1) : pattern, written)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesPattern(pattern: string, name: string): boolean {
  if (pattern.startsWith('|1|')) return matchesHash(pattern, name);
  const lower = pattern.toLowerCase();
  // `[host]:22` is what some tools write for the usual port.
  return matchesGlob(lower, name) || (lower.endsWith(']:22') && matchesGlob(lower.slice(1, -4), name));
}

function matchesHash(pattern: string, name: string): boolean {
  const [, , salt, hash] = pattern.split('|');
  if (salt === undefined || hash === undefined) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** `*` and `?` as in OpenSSH's match_pattern(); in linear time, as patterns may come from a shared file. */
function matchesGlob(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let retry = 0;
  let index = 0;
  while (index < name.length) {
    if (pattern[at] === '*') {
      star = at++;
      retry = index;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[index])) {
      at++;
      index++;
    } else if (star >= 0) {
      at = star + 1;
      index = ++retry;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** A public key in wire format. */
export interface PublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  readonly blob: Buffer;
}

/** Reads the type from a public key's blob. Returns undefined if the blob is not a key. */
export function publicKey(blob: Buffer): PublicKey | undefined {
  if (blob.length < 4) return undefined;
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || blob.length <= 4 + length) return undefined;
  const type = blob.toString('latin1', 4, 4 + length);
  return /^[a-z0-9@.-]+$/.test(type) ? { type, blob } : undefined;
}

/** Reads `type base64`; undefined if the two do not fit together. */
export function readPublicKey(type: string, base64: string): PublicKey | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const key = publicKey(Buffer.from(base64, 'base64'));
  return key?.type === type ? key : undefined;
}

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256')
    .update(blob)
    .digest('base64')
    .replace(/(?<!=)=+$/, '')}`;
}

/** `ssh-ed25519 AAAA…`: one line of authorized_keys, known_hosts or `host-key:`. */
export function keyLine(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`;
}
