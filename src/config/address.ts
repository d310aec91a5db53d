import { isIP } from 'node:net';

/** Where and as whom to log in. */
export interface Address {
  readonly user: string;
  /** Host name or IP address, IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
}

/** Why an address is invalid. The text never repeats the address, which may contain a password. */
export type AddressFault = { readonly fault: string };

// Directories have `user@domain` (SSSD), `DOMAIN\user` and `DOMAIN+user` (Winbind).
const user = /^[A-Za-z0-9_][A-Za-z0-9_.$+@\\-]{0,127}$/;
const label = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/;

/** Reads `user@host`, `user@host:2222` or `user@[fd00::1]:2222`. */
export function parseAddress(text: string): Address | AddressFault {
  const at = text.lastIndexOf('@');
  if (/^[a-z]+:\/\//i.test(text)) return { fault: 'must not be a URL: write user@host' };
  if (at <= 0) return { fault: 'must include the user: write user@host' };
  const name = text.slice(0, at);
  if (name.includes(':'))
    return { fault: 'must not contain a password: write user@host and log in with a key' };
  if (!user.test(name)) return { fault: 'has an invalid user name' };

  const parts = splitPort(text.slice(at + 1));
  if (parts === undefined)
    return { fault: 'must be user@host or user@host:port, with an IPv6 address in brackets' };
  const port = parts.port === undefined ? 22 : Number(parts.port);
  if (!/^\d{1,5}$/.test(parts.port ?? '22') || port < 1 || port > 65535)
    return { fault: 'has a port outside 1 to 65535' };
  if (!isHostName(parts.host, parts.bracketed))
    return { fault: 'has a host that is neither a name nor an IP address' };
  return { user: name, address: parts.host, port };
}

function splitPort(text: string): { host: string; port?: string; bracketed: boolean } | undefined {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/s.exec(text);
  if (bracketed !== null) {
    const [, host = '', port] = bracketed;
    return { host, bracketed: true, ...(port === undefined ? {} : { port }) };
  }
  // Without brackets, an IPv6 address is ambiguous with a name and a port.
  const [host = '', port, ...more] = text.split(':');
  if (more.length > 0) return undefined;
  return { host, bracketed: false, ...(port === undefined ? {} : { port }) };
}

function isHostName(host: string, bracketed: boolean): boolean {
  if (bracketed) return isIP(host) === 6;
  // Digits and dots are meant as IPv4; an invalid one must not cause a DNS lookup.
  if (/^[\d.]+$/.test(host)) return isIP(host) === 4;
  return (
    host.length <= 253 &&
    host
      .replace(/\.$/, '')
      .split('.')
      .every((part) => label.test(part))
  );
}

/** How a host is named in all output: the port only if it is not 22. */
export function formatAddress({ user: name, address, port }: Address): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `${name}@${host}${port === 22 ? '' : `:${port}`}`;
}

const keyTypes = [
  'ssh-ed25519',
  'ssh-rsa',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
];

/**
 * A public host key (`ssh-ed25519 AAAA…`, as ssh-keyscan prints it, with or without the host in front and a comment
 * behind) or a fingerprint (`SHA256:…`, as ssh-keygen -l prints it).
 *
 * @returns the key without host and comment; undefined for any other text.
 */
export function parseHostKey(text: string): string | undefined {
  const words = text.trim().split(/\s+/);
  const fingerprint = words.find((word) => /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(word));
  if (fingerprint !== undefined) return fingerprint.replace(/=$/, '');
  const at = words.findIndex((word) => keyTypes.includes(word));
  const [type, blob] = [words[at], words[at + 1]];
  if (at < 0 || at > 1 || type === undefined || blob === undefined) return undefined;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(blob)) return undefined;
  const bytes = Buffer.from(blob, 'base64');
  // The blob begins with the length and the name of its type: a key that was cut or mixed up does not match.
  const named = bytes.subarray(4, 4 + (bytes.length >= 4 ? bytes.readUInt32BE(0) : 0)).toString('latin1');
  return named === type ? `${type} ${blob}` : undefined;
}
