import { expect, test } from 'vitest';
import { nextOf, realmOf } from '../../../../src/build/registry/origin.ts';

const base = new URL('https://registry.example.com/v2/shop/web/manifests/1');
const near = new URL('http://127.0.0.1:5000/v2/');

test.each([
  [base, 'https://auth.example.net/token', 'https://auth.example.net/token'],
  [base, 'https://registry.example.com:8443/token?a=b#c', 'https://registry.example.com:8443/token?a=b'],
  [
    base,
    'http://registry.example.com/token',
    'names the token service http://registry.example.com, without TLS',
  ],
  [base, 'http://127.0.0.1/token', 'without TLS'],
  [
    base,
    'https://ada:x@auth.example.net/token',
    'names the token service https://auth.example.net, with credentials',
  ],
  [base, 'https://169.254.169.254/latest', 'an address of a private network'],
  [base, 'https://0x7f000001/token', 'an address of a private network'],
  [base, 'https://[::ffff:10.0.0.1]/token', 'an address of a private network'],
  [base, 'https://[fd00::1]/token', 'an address of a private network'],
  [base, 'https://100.100.100.200/token', 'an address of a private network'],
  [base, 'https://[64:ff9b::a00:1]/token', 'an address of a private network'],
  [base, 'https://203.0.113.7/token', 'https://203.0.113.7/token'],
  [new URL('https://10.0.0.7:5000/v2/'), 'https://10.0.0.7:5001/token', 'https://10.0.0.7:5001/token'],
  [new URL('https://10.0.0.7:5000/v2/'), 'https://10.0.0.8/token', 'an address of a private network'],
  [near, 'http://127.0.0.2:5001/token', 'http://127.0.0.2:5001/token'],
  [near, 'http://[::1]:5001/token', 'http://[::1]:5001/token'],
  [near, 'http://localhost.example.com/token', 'without TLS'],
  [near, 'http://127.0.0.1@evil.example.com/token', 'with credentials in the URL'],
  [near, 'https://auth.example.com/token', 'https://auth.example.com/token'],
  [base, 'javascript:alert(1)', 'names the token service'],
  [base, '/token', 'does not name a token service'],
  [base, '', 'does not name a token service'],
  [base, undefined, 'does not name a token service'],
])('of %s the realm %s', (from, realm, is) => {
  const found = realmOf(realm, from);
  expect('fault' in found ? found.fault : found.href).toContain(is);
});

test.each([
  [base, 'https://store.example.net/blob?signature=x#y', 'https://store.example.net/blob?signature=x'],
  [base, '../blob', 'https://registry.example.com/v2/shop/web/blob'],
  [base, '//store.example.net/blob', 'https://store.example.net/blob'],
  [base, 'http://registry.example.com/v2/', 'redirects to http://registry.example.com, without TLS'],
  [base, 'http://127.0.0.1/v2/', 'without TLS'],
  [
    base,
    'https://ada:x@store.example.net/',
    'redirects to https://store.example.net, with credentials in the URL',
  ],
  [base, 'file:///etc/passwd', 'redirects to file://'],
  [base, 'https://', 'redirects to an invalid URL'],
  [near, 'http://[::1]:9000/blob', 'http://[::1]:9000/blob'],
  [near, 'http://store.example.net/blob', 'without TLS'],
])('from %s to %s', (from, location, is) => {
  const found = nextOf(from, location);
  expect('fault' in found ? found.fault : found.href).toContain(is);
});
