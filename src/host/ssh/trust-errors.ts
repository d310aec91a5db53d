import { UserError } from '../../kernel/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { fingerprint, keyLine, publicKey } from './key.ts';
import type { Trust, Verdict } from './trust.ts';

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
