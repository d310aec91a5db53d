import { createHmac } from 'node:crypto';
import { type PublicKey, readPublicKey } from './key.ts';

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
