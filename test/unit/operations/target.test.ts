import { describe, expect, test } from 'vitest';
import type { Target } from '../../../src/config/model.ts';
import { parseConfig } from '../../../src/config/sluice-yml/load.ts';
import { reachedAt } from '../../../src/operations/target.ts';

function target(hosts: string): Target {
  const { targets } = parseConfig(
    `app: shop\ntargets: { production: { hosts: [${hosts}] } }\n`,
    'sluice.yml',
  );
  if (targets.production === undefined) throw new Error('there is one');
  return targets.production;
}
const one = target('deploy@prod.example.com:2222');
const names = (found: Target) => found.hosts.map(({ name }) => name);

describe('where a server is reached', () => {
  test.each<[host: string | undefined, user: string | undefined, name: string]>([
    [undefined, undefined, 'deploy@prod.example.com:2222'],
    ['other.example.com', undefined, 'deploy@other.example.com'],
    ['other.example.com:2200', 'root', 'root@other.example.com:2200'],
    [undefined, 'root', 'root@prod.example.com:2222'],
    ['admin@other.example.com', undefined, 'admin@other.example.com'],
    ['admin@other.example.com', 'root', 'root@other.example.com'],
    ['[fd00::1]:2222', undefined, 'deploy@[fd00::1]:2222'],
  ])('host %s and user %s: %s', (host, user, name) => {
    expect(names(reachedAt(one, { host, user }))).toEqual([name]);
  });

  test('everything else of the host stays', () => {
    const [before] = one.hosts;
    const [found] = reachedAt(one, { host: 'other.example.com', user: undefined }).hosts;
    expect(found).toMatchObject({
      root: before?.root,
      address: 'other.example.com',
      port: 22,
      user: 'deploy',
    });
  });

  test('of several hosts none can be meant', () => {
    const two = target('a@one.example.com, a@two.example.com');
    expect(() => reachedAt(two, { host: 'x.example.com', user: undefined })).toThrow(/has 2 in sluice.yml/);
    expect(reachedAt(two, { host: undefined, user: undefined })).toBe(two);
  });

  test.each(['a b', 'ssh://x', 'x:99999', '-----BEGIN OPENSSH PRIVATE KEY-----'])(
    'what is no address is refused, and not repeated: %s',
    (host) => {
      const attempt = () => reachedAt(one, { host, user: undefined });
      expect(attempt).toThrow(/^The address made of host and user /);
      expect(attempt).not.toThrow(host);
    },
  );
});
