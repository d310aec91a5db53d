import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../kernel/errors.ts';
import {
  fingerprint,
  type KnownHost,
  keyLine,
  matchesHost,
  type PublicKey,
  parseKnownHosts,
  publicKey,
  readPublicKey,
} from './known-hosts.ts';
import type { Endpoint } from './tcp.ts';

export type Verdict = 'known' | 'unknown' | 'changed' | 'revoked';

/** The known host keys of a server. */
export interface Trust {
  /** Where the knowledge comes from: `host-key in sluice.yml`, `/home/me/.ssh/known_hosts:3`. */
  readonly sources: readonly string[];
  readonly keys: readonly PublicKey[];
  /** Pinned as `SHA256:…`, without the key's type. */
  readonly fingerprints: readonly string[];
  readonly revoked: readonly PublicKey[];
  /**
   * Keys of the same name without the port. As in OpenSSH, they are accepted, but another key does not count as changed: it
   * may belong to another machine behind the same address.
   */
  readonly portless: readonly PublicKey[];
  /** A certificate authority vouches for this host in known_hosts; host certificates are not supported. */
  readonly authority: string | undefined;
}

export interface KnownHostsSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Paths of known_hosts files; default: the user's and the system's. */
  readonly knownHosts?: readonly string[];
}

/**
 * The known keys of this server: the pinned key if set, else known_hosts.
 *
 * @throws UserError `host.key-malformed` for an invalid pin, `host.known-hosts` for an unreadable file.
 */
export async function trustFor(endpoint: Endpoint, source: KnownHostsSource): Promise<Trust> {
  if (endpoint.hostKey !== undefined) return pinned(endpoint.hostKey, endpoint.label);
  return trustIn(await loadKnownHosts(source), endpoint.address, endpoint.port);
}

/** Reads `host-key`: keys or fingerprints, one a line or separated by commas; a line of ssh-keyscan is fine too. */
export function pinned(text: string, label: string): Trust {
  const keys: PublicKey[] = [];
  const fingerprints: string[] = [];
  for (const line of text.split(/[\n,]/).map((part) => part.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const mark = line.match(/^SHA256:([A-Za-z0-9+/]{43})=?$/);
    const key = /(?:^|\s)((?:ssh|ecdsa|sk)-[a-z0-9@.-]+)\s+(\S+)/.exec(line);
    const parsed = key === null ? undefined : readPublicKey(key[1] ?? '', key[2] ?? '');
    if (mark) fingerprints.push(`SHA256:${mark[1]}`);
    else if (parsed) keys.push(parsed);
    else throw malformedPin(line, label);
  }
  if (keys.length + fingerprints.length === 0) throw malformedPin(text, label);
  return {
    sources: ['host-key in sluice.yml'],
    keys,
    fingerprints,
    revoked: [],
    portless: [],
    authority: undefined,
  };
}

function malformedPin(line: string, label: string): UserError {
  return new UserError({
    code: 'host.key-malformed',
    message: `The pinned host key of ${label} is neither a public key nor a fingerprint: ${JSON.stringify(line.slice(0, 80))}`,
    hint: 'Write `host-key: ssh-ed25519 AAAA…` (from ssh-keyscan) or `host-key: SHA256:…` (from ssh-keygen -l).',
  });
}

/** The keys of a server in these lines of known_hosts. */
export function trustIn(entries: readonly KnownHost[], address: string, port: number): Trust {
  const exact = entries.filter((entry) => matchesHost(entry, address, port));
  const portless = port === 22 ? [] : entries.filter((entry) => matchesHost(entry, address, 22));
  const plain = exact.filter((entry) => entry.marker === undefined);
  const all = [...exact, ...portless];
  return {
    sources: plain.map((entry) => entry.place),
    keys: plain.map((entry) => entry.key),
    fingerprints: [],
    revoked: all.filter((entry) => entry.marker === '@revoked').map((entry) => entry.key),
    portless: portless.filter((entry) => entry.marker === undefined).map((entry) => entry.key),
    authority: all.find((entry) => entry.marker === '@cert-authority')?.place,
  };
}

/** Compares a server's key with the known ones. */
export function judge(trust: Trust, blob: Buffer): Verdict {
  if (trust.revoked.some((key) => key.blob.equals(blob))) return 'revoked';
  if (trust.keys.some((key) => key.blob.equals(blob))) return 'known';
  if (trust.fingerprints.includes(fingerprint(blob))) return 'known';
  if (trust.keys.length === 0 && trust.portless.some((key) => key.blob.equals(blob))) return 'known';
  return trust.keys.length + trust.fingerprints.length > 0 ? 'changed' : 'unknown';
}

async function loadKnownHosts(source: KnownHostsSource): Promise<KnownHost[]> {
  const text = source.env.SLUICE_KNOWN_HOSTS;
  if (text !== undefined && text.trim() !== '') return parseKnownHosts(text, 'SLUICE_KNOWN_HOSTS');
  const home = source.env.HOME ?? homedir();
  const files = source.knownHosts ?? [join(home, '.ssh', 'known_hosts'), '/etc/ssh/ssh_known_hosts'];
  const found = await Promise.all(files.map(readKnownHosts));
  return found.flat();
}

async function readKnownHosts(file: string): Promise<KnownHost[]> {
  try {
    return parseKnownHosts(await readFile(file, 'utf8'), file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new UserError({
      code: 'host.known-hosts',
      message: `Cannot read ${file} (${code})`,
      hint: 'Make it readable, or put its text into SLUICE_KNOWN_HOSTS.',
      cause: error,
    });
  }
}

const keyFiles: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ssh_host_ed25519_key.pub',
  'ssh-rsa': 'ssh_host_rsa_key.pub',
};

/** Why a server's key is not accepted. The connection ends before Sluice sends a key or a command. */
export function distrust(
  verdict: Exclude<Verdict, 'known'>,
  endpoint: Endpoint,
  trust: Trust,
  blob: Buffer,
): UserError {
  const shown = publicKey(blob);
  const line = shown === undefined ? blob.toString('base64') : keyLine(shown);
  const mark = `${fingerprint(blob)} (${shown?.type ?? 'unknown type'})`;
  if (verdict === 'revoked') {
    return new UserError({
      code: 'host.key-revoked',
      message: `${endpoint.label} has a host key that known_hosts marks as revoked: ${mark}`,
      hint: 'Do not deploy. Create a new host key on the server, and pin that one.',
      output: line,
    });
  }
  if (verdict === 'changed') return changed(endpoint, trust, mark, line);
  return unknown(endpoint, trust, mark, line, shown?.type ?? '');
}

function changed(endpoint: Endpoint, trust: Trust, mark: string, line: string): UserError {
  const expected = [
    ...trust.keys.map((key) => `${fingerprint(key.blob)} (${key.type})`),
    ...trust.fingerprints,
  ];
  return new UserError({
    code: 'host.key-changed',
    message: `THE HOST KEY OF ${endpoint.label} HAS CHANGED. An attacker may be intercepting the connection.`,
    hint:
      'Sluice sent nothing. Do not deploy until you know why the key differs.\n' +
      `If the server was rebuilt, compare the fingerprint with the server's own, then replace the key in ${trust.sources.join(', ')}`,
    output: `known: ${expected.join('\n       ')}\nshown: ${mark}\n       ${line}`,
  });
}

function unknown(endpoint: Endpoint, trust: Trust, mark: string, line: string, type: string): UserError {
  const port = endpoint.port === 22 ? '' : `-p ${endpoint.port} `;
  const file =
    keyFiles[type] ?? (type.startsWith('ecdsa-') ? 'ssh_host_ecdsa_key.pub' : 'ssh_host_*_key.pub');
  const key = endpoint.role === 'jump' ? '`jump:` of the host' : 'the host';
  const authority =
    trust.authority === undefined
      ? ''
      : `\n(${trust.authority} names a certificate authority; Sluice does not support host certificates, so it must know the key itself.)`;
  return new UserError({
    code: 'host.key-unknown',
    message: `Unknown host key of ${endpoint.label}: ${mark}`,
    hint:
      `Compare the fingerprint with the one the server prints for \`ssh-keygen -lf /etc/ssh/${file}\`.\n` +
      `If they are equal, pin the key at ${key} in sluice.yml:\n` +
      `  host-key: ${line}\n` +
      `or add the output of \`ssh-keyscan ${port}${endpoint.address}\` to known_hosts (in CI: SLUICE_KNOWN_HOSTS).${authority}`,
  });
}
