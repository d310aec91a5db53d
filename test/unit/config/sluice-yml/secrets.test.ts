import { describe, expect, test } from 'vitest';
import { isShowable, secretIn } from '../../../../src/config/secrets/secret-names.ts';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { errorsOf, shownText } from '../../../support/config/fixtures.ts';

/** Split, so that scanners of this repository do not take the samples for secrets. */
const join = (...parts: string[]) => parts.join('');
const samples = {
  slack: join('https://hooks.', 'slack.com/services/T0AAAAAAA/B0AAAAAAA/', 'abcdefghijklmnop'),
  discord: join('https://discord', '.com/api/webhooks/1/', 'abcdefghijklmnop'),
  key: join('-----BEGIN OPENSSH PRIVATE', ' KEY-----\nb3BlbnNzaC1r\n-----END OPENSSH PRIVATE KEY-----'),
  github: join('gh', 'p_', 'abcdefghijklmnopqrstuvwxyz0123456789'),
  gitlab: join('glp', 'at-', 'abcdefghijklmnopqrst'),
  aws: join('AK', 'IA', 'ABCDEFGHIJKLMNOP'),
  stripe: join('sk', '_live_', 'abcdefghijklmnop'),
  jwt: join('eyJ', 'hbGciOiJIUzI1NiJ9', '.eyJ', 'zdWIiOiIxMjM0NTY3ODkwIn0', '.abcdefghijk'),
  url: join('postgres://app:', 'hunter2-hunter2', '@db:5432/app'),
};

describe('a secret in sluice.yml', () => {
  const base = 'app: shop\ntargets:\n  production:\n    hosts: [deploy@prod]\n';
  const places: readonly (readonly [string, (value: string) => string])[] = [
    ['notify.slack', (value) => `${base}notify: { slack: ${value} }\n`],
    ['watch.url', (value) => `${base}watch: { url: ${value} }\n`],
    ['registry', (value) => `${base}registry: ${value}\n`],
    ['an unknown key', (value) => `${base}webhook: ${value}\n`],
    ['checks', (value) => `${base}checks: { skip: { token: ${value} } }\n`],
    ['env', (value) => `${base}    env: [${value}]\n`],
    ['env-secret', (value) => `${base}    env-secret: ${value}\n`],
    ["a host's env", (value) => base.replace('deploy@prod', `{ host: deploy@prod, env: { A: ${value} } }`)],
    ['a key', (value) => `${base}${value}: true\n`],
    ["a service's name", (value) => `${base}services: { ${value}: {} }\n`],
    ['a host', (value) => base.replace('deploy@prod', value)],
  ];

  for (const [kind, value] of Object.entries(samples)) {
    test.each(places)(`${kind} in %s is refused and not repeated`, async (_, text) => {
      const file = text(JSON.stringify(value));
      const errors = await errorsOf(() => parseConfig(file, 'sluice.yml'));
      expect(errors.map(({ code }) => code)).toContain('config.secret');
      const shown = await shownText(() => parseConfig(file, 'sluice.yml'));
      for (const part of value.split(/[\n@]/).filter((line) => line.length > 8)) {
        expect(shown).not.toContain(JSON.stringify(part).slice(1, -1));
      }
    });
  }

  test.each([
    'notify: { slack: hunter2! }',
    'notify: { slack: 5up3r-s3cr3t }',
    'targets: { p: { hosts: [d@h], env: [DB_PASSWORD=hunter2!] } }',
    'targets: { p: { hosts: [d@h], env-secret: "hunter2! x" } }',
    'targets: { p: { hosts: [{ host: d@h, env: { DB_PASSWORD: hunter2! } }] } }',
    'targets: { p: { hosts: ["d:hunter2!@h"] } }',
    'cdn: { access-key: hunter2! }',
    'hunter2!: 1',
    'app: hunter2!',
    'services: { web: { health: hunter2! } }',
    'services: { web: { strategy: hunter2! } }',
    'keep: hunter2!',
    'watch: { for: hunter2! }',
    'migrate: { service: hunter2!, command: x }',
    'registry: hunter2!',
    'targets: { p: { hosts: [{ host: d@h, host-key: hunter2! }] } }',
    'targets: { hunter2!: { hosts: [d@h] } }',
    'app: *hunter2!',
    'app: "hunter2! \\q"',
    'app: [hunter2!',
    'a: b: hunter2!',
  ])('%s: the message never repeats the value', async (line) => {
    const file = line.startsWith('targets')
      ? `app: shop\n${line}`
      : `targets: { p: { hosts: [d@h] } }\n${line}`;
    expect(await shownText(() => parseConfig(file, 'sluice.yml'))).not.toMatch(/hunter2!|5up3r/);
  });

  test('names of secrets are what is wanted', () => {
    for (const name of ['SLACK_WEBHOOK_URL', 'WEBHOOK', 'TOKEN', 'S3_KEY', 'http_proxy']) {
      expect(secretIn(['notify', 'slack'], name)).toBeUndefined();
      expect(secretIn(['targets', 'p', 'env', 0], name)).toBeUndefined();
    }
    expect(secretIn(['checks', 'token'], 'CODECOV_TOKEN')).toBeUndefined();
    expect(secretIn(['checks', 'token'], '${{ secrets.X }}')).toBeUndefined();
    expect(secretIn(['checks', 'token'], '')).toBeUndefined();
    expect(secretIn(['targets', 'p', 'url'], 'https://shop.example.com/a@b')).toBeUndefined();
    expect(secretIn(['migrate', 'command'], 'alembic upgrade head')).toBeUndefined();
  });

  test('only plain words are shown', () => {
    expect(isShowable('celery-worker')).toBe(true);
    expect(isShowable('a b')).toBe(false);
    expect(isShowable('\u001b[31m')).toBe(false);
    expect(isShowable(samples.github)).toBe(false);
    expect(isShowable('0123456789abcdef0123')).toBe(false);
  });
});
