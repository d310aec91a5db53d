import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';

/** Signature algorithms of each host key type, in order of preference, without SHA-1 (`ssh-rsa` itself). */
const signatures: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** Host key types that can be verified. */
export const hostKeyTypes: readonly string[] = Object.keys(signatures);

const kex: KexAlgorithm[] = [
  'curve25519-sha256',
  'curve25519-sha256@libssh.org',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group18-sha512',
];

// AES-GCM first: Node hands it to OpenSSL, which uses the CPU's AES, so that ssh2 needs no native addon.
const cipher: CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];

const hmac: MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
];

/**
 * The algorithms to offer a server. The server shows the first of its host keys that the offer names, so known types come
 * first: otherwise, with only a known RSA key, a server that also has an ed25519 key looks changed.
 *
 * @param known types of the known host keys; empty if only fingerprints, or no keys, are known.
 * @param refused types that turned out not to be the pinned fingerprint's.
 */
export function algorithmsFor(known: readonly string[], refused: readonly string[]): Algorithms {
  const types = [...new Set([...known, ...hostKeyTypes])].filter((type) => !refused.includes(type));
  const serverHostKey = types.flatMap((type) => signatures[type] ?? []);
  return { kex, cipher, hmac, serverHostKey, compress: ['none'] };
}
