import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../src/config/sluice-yml/load.ts';
import { linesOf } from '../../../support/config/fixtures.ts';

const shortest = 'app: shop\ntargets: { production: { hosts: [deploy@prod] } }\n';

describe('mistakes in sluice.yml', () => {
  test('all mistakes are told at once, with their places', async () => {
    const lines = await linesOf(() =>
      parseConfig(
        'app: Shop\ncompse: x\nwatch: { for: 30 }\nservices:\n  web: { prot: 80 }\ntargets:\n  p: { hosts: [prod] }\n',
        'sluice.yml',
      ),
    );
    expect(lines).toEqual([
      expect.stringMatching(/^sluice\.yml:1:6 app: must be lowercase .* \[config\.value\]$/),
      'sluice.yml:2:1 unknown key compse; did you mean compose? [config.unknown-key]',
      'sluice.yml:3:15 watch.for: must be a duration such as 500ms, 30s or 5m [config.value]',
      'sluice.yml:5:10 services.web: unknown key prot; did you mean port? [config.unknown-key]',
      'sluice.yml:7:16 targets.p.hosts[0]: must include the user: write user@host [config.host]',
    ]);
  });

  const inTarget = (text: string) => `app: shop\ntargets: { p: ${text} }`;
  const inHost = (text: string) => inTarget(`{ hosts: [{ host: d@h, ${text} }] }`);
  const withKey = (text: string) => `${shortest}${text}\n`;

  test.each<[string, string, string]>([
    ['', 'sluice.yml:1:1', 'The file is empty [config.missing-key]'],
    [' \n# only a comment\n', 'sluice.yml:1:1', 'The file is empty'],
    ['- app: x', 'sluice.yml:1:1', 'The file is a list'],
    ['just text', 'sluice.yml:1:1', 'The file is a single value'],
    ['app: shop', 'sluice.yml:1:1', 'targets: is missing; it must be a map'],
    ['app: shop\ntargets: {}', 'sluice.yml:2:10', 'targets: must name at least one target'],
    ['app: shop\ntargets: [a]', 'sluice.yml:2:10', 'targets: must be a map'],
    ['app: shop\ntargets:', 'sluice.yml:2:9', 'targets: is empty; it must be a map'],
    ['app: 5\ntargets: { p: { hosts: [d@h] } }', 'sluice.yml:1:6', 'app: must be lowercase'],
    [withKey('keep: 0'), 'sluice.yml:3:7', 'keep: must be a whole number from 1 to 100'],
    [withKey('keep: 1.5'), 'sluice.yml:3:7', 'keep: must be a whole number'],
    [withKey('keep: "3x"'), 'sluice.yml:3:7', 'keep: must be a whole number from 1 to 100'],
    [withKey('keep: "0"'), 'sluice.yml:3:7', 'keep: must be a whole number from 1 to 100'],
    [withKey('keep: ""'), 'sluice.yml:3:7', 'keep: must be a whole number from 1 to 100'],
    [
      withKey('services: { web: { port: "80a" } }'),
      'sluice.yml:3:26',
      'web.port: must be a port, 1 to 65535',
    ],
    [
      withKey('services: { web: { port: "70000" } }'),
      'sluice.yml:3:26',
      'web.port: must be a port, 1 to 65535',
    ],
    [
      withKey('services: { web: { port: " 80" } }'),
      'sluice.yml:3:26',
      'web.port: must be a port, 1 to 65535',
    ],
    [withKey('previous: hot'), 'sluice.yml:3:11', 'previous: must be one of stopped, warm'],
    [withKey('drain: 8d'), 'sluice.yml:3:8', 'drain: must not be longer than 7d'],
    [withKey('drain: -1s'), 'sluice.yml:3:8', 'drain: must be a duration'],
    [withKey('watch: { deadline: 0s }'), 'sluice.yml:3:20', 'watch.deadline: must be at least 1s'],
    [withKey('watch: { max-5xx: 150% }'), 'sluice.yml:3:19', 'watch.max-5xx: must be a rate'],
    [withKey('watch: { max-5xx: [] }'), 'sluice.yml:3:19', 'watch.max-5xx: must be a rate'],
    [withKey('watch: { url: ftp://x }'), 'sluice.yml:3:15', 'watch.url: must be a URL'],
    [withKey('services: [web]'), 'sluice.yml:3:11', 'services: must be a map'],
    [withKey('services: { web: 8000 }'), 'sluice.yml:3:18', 'services.web: must be a map'],
    [
      withKey('services: { "a b": {} }'),
      'sluice.yml:3:13',
      'services: a name must be the name of a compose service',
    ],
    [withKey('services: { "$(id)": {} }'), 'sluice.yml:3:13', 'services: a name must be'],
    [withKey('services: { web: { port: 70000 } }'), 'sluice.yml:3:26', 'services.web.port: must be a port'],
    [withKey('services: { web: { health: api } }'), 'sluice.yml:3:28', 'services.web.health: must be a path'],
    [
      withKey('services: { web: { health: "/a b" } }'),
      'sluice.yml:3:28',
      'services.web.health: must be a path',
    ],
    [withKey('services: { web: { strategy: bluegreen } }'), 'sluice.yml:3:30', 'did you mean blue-green?'],
    [withKey('services: { web: { shared-volumes: x } }'), 'sluice.yml:3:36', 'must be a list of volumes'],
    [
      withKey('migrate: { service: web }'),
      'sluice.yml:3:10',
      'migrate.command: is missing; it must be a command',
    ],
    [
      withKey('migrate: { service: web, command: [] }'),
      'sluice.yml:3:35',
      'migrate.command: must be a command',
    ],
    [
      withKey('migrate: { service: web, command: [a, 1] }'),
      'sluice.yml:3:39',
      'must be a text; put it in quotes',
    ],
    [withKey('backup: true'), 'sluice.yml:3:9', 'backup: must be a map'],
    [
      withKey('backup: { postgres: db, keep: many }'),
      'sluice.yml:3:31',
      'backup.keep: must be a whole number',
    ],
    [withKey('registry: https://ghcr.io/acme'), 'sluice.yml:3:11', 'registry: must be a registry'],
    [withKey('registry: ghcr.io/acme/app:v1'), 'sluice.yml:3:11', 'registry: must be a registry'],
    [withKey('edge: { image: "HA PROXY" }'), 'sluice.yml:3:16', 'edge.image: must be an image'],
    [withKey('compose: []'), 'sluice.yml:3:10', 'compose: must not be an empty list'],
    [withKey('compose: 5'), 'sluice.yml:3:10', 'compose: must be a path, or a list'],
    [withKey('checks: 5'), 'sluice.yml:3:9', 'checks: must be a map'],
    [inTarget('5'), 'sluice.yml:2:15', 'targets.p: must be a map'],
    [inTarget('{}'), 'sluice.yml:2:15', 'targets.p.hosts: is missing'],
    [inTarget('{ hosts: d@h }'), 'sluice.yml:2:24', 'targets.p.hosts: must be a list of hosts'],
    [inTarget('{ hosts: [] }'), 'sluice.yml:2:24', 'must name at least one host'],
    [inTarget('{ hosts: [d@h], batch: 0 }'), 'sluice.yml:2:38', 'targets.p.batch: must be a whole number'],
    [inTarget('{ hosts: [d@h], env: SECRET }'), 'sluice.yml:2:36', 'targets.p.env: must be a list of NAMEs'],
    [inTarget('{ hosts: [d@h], env-fil: x }'), 'sluice.yml:2:31', 'did you mean env-file?'],
    [inTarget('{ hosts: [d@h], env_file: x }'), 'sluice.yml:2:31', 'did you mean env-file?'],
    [inTarget('{ hosts: [d@h], host-env-file: rel/x }'), 'sluice.yml:2:46', 'must be an absolute path'],
    [
      inTarget('{ hosts: [d@h, d@h:22] }'),
      'sluice.yml:2:30',
      'targets.p.hosts[1]: is the same server as hosts[0]',
    ],
    ['app: shop\ntargets: { "5 p": { hosts: [d@h] } }', 'sluice.yml:2:12', 'targets: a name must be letters'],
    [inHost('services: []'), 'sluice.yml:2:', 'must not be an empty list; leave it out'],
    [inHost('env: { A: [x] }'), 'sluice.yml:2:', 'targets.p.hosts[0].env.A: must be a plain value'],
    [inHost('env: { "A B": x }'), 'sluice.yml:2:', 'must be the NAME of an environment variable'],
    [inHost('host-key: ssh-ed25519 AAAA'), 'sluice.yml:2:', 'must be a public host key'],
    [inHost('jump: bastion'), 'sluice.yml:2:', 'must include the user'],
    [inHost('jump: { host: j@b, prt: 1 }'), 'sluice.yml:2:', 'unknown key prt'],
    [inHost('root: /'), 'sluice.yml:2:', 'must be an absolute path'],
    [inHost('root: /a/../b'), 'sluice.yml:2:', 'must be an absolute path'],
    [inHost('root: relative'), 'sluice.yml:2:', 'must be an absolute path'],
    [inTarget('{ hosts: [7] }'), 'sluice.yml:2:25', 'must be user@host, or a map'],
    [`__proto__: { x: 1 }\n${shortest}`, 'sluice.yml:1:1', 'unknown key __proto__'],
    [withKey('services: { __proto__: { port: 1 } }'), 'sluice.yml:3:13', 'unknown key __proto__'],
    ['\tapp: shop', 'sluice.yml:1:1', 'A tab is used to indent [config.yaml]'],
    ['app: a\napp: b', 'sluice.yml:2:1', 'Duplicate key "app" (first on line 1)'],
    ['app: "shop', 'sluice.yml:1:11', 'A quote, a bracket'],
    ['app: [a', 'sluice.yml:1:8', ''],
    ['app: a: b', 'sluice.yml:1:6', 'A map starts on a line that already has a value'],
    ['app: *name', 'sluice.yml:1:1', 'An alias (*name) has no anchor'],
    ['app: &a [*a]', 'sluice.yml:1:1', 'An alias (*name) is inside its own anchor'],
    ['app: "\\q"', 'sluice.yml:1:7', 'Unknown escape after a backslash in double quotes'],
    ['a: 1\n---\nb: 2', 'sluice.yml:2:1', 'more than one document'],
    ['app: @x', 'sluice.yml:1:6', 'A text starts with a character'],
    ['['.repeat(50_000), 'sluice.yml:1', 'nested too deeply'],
    [`app: ${'{a: '.repeat(40)}1${'}'.repeat(40)}`, 'sluice.yml:1', 'nested too deeply'],
    [
      `a: &a [${'x,'.repeat(9)}x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}x]`).join('\n')}`,
      'sluice.yml:1:1',
      'expand without limit',
    ],
  ])('mistake %#', async (text, place, message) => {
    const lines = await linesOf(() => parseConfig(text, 'sluice.yml'));
    expect(lines.join('\n')).toContain(message);
    expect(lines[0]).toContain(place);
  });
});
