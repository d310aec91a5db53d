import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Guess } from '../../../src/init/guess/guess.ts';
import { withoutStandIns } from '../../../src/init/stand-ins/hide.ts';
import { wantsAt } from '../../../src/init/stand-ins/places.ts';
import { mask } from '../../../src/init/stand-ins/short-syntax.ts';
import { standIns } from '../../../src/init/stand-ins/stand-ins.ts';
import type { ComposeFile } from '../../../src/init/study/compose-files.ts';
import { type ExampleFile, variablesOf } from '../../../src/init/study/variables.ts';

const declared = {
  services: ['web', 'db'],
  volumes: ['shop_data'],
  networks: ['front'],
  secrets: [],
  configs: [],
};

function fileOf(text: string): ComposeFile {
  const data = parse(text, { merge: true }) as { services: ComposeFile['services'] };
  return { path: 'compose.yml', text, name: undefined, data, services: data.services };
}

function valuesFor(text: string, example: Record<string, string> = {}, more: object = {}) {
  const files = [fileOf(text)];
  const examples: ExampleFile[] = [
    { path: '.env.example', text: '', values: example, names: Object.keys(example), isNear: true },
  ];
  const facts = {
    variables: variablesOf(files),
    examples,
    compose: { files, why: '', unused: [], doubt: undefined },
    defaults: {},
    folder: '/repo',
  };
  return standIns({ ...facts, registry: undefined, refused: new Map(), ...more });
}

describe('what a place needs', () => {
  test.each<[string, string, object]>([
    ['services.web.ports.0', '${A}:80', { A: { kind: 'port', span: 1 } }],
    [
      'services.web.ports.0',
      '${A}-${B}:9000-9004',
      { A: { kind: 'port' }, B: { after: { name: 'A', by: 4 } } },
    ],
    ['services.web.ports.0', '${A}:9000-9004', { A: { kind: 'port', span: 5 } }],
    [
      'services.web.ports.0',
      '${IP}:${A}:80/${P}',
      { IP: { kind: 'ip' }, A: { kind: 'port' }, P: { value: 'tcp' } },
    ],
    ['services.web.ports.0', '${BIND}${A}:80', { BIND: { value: '127.0.0.1:' }, A: { kind: 'port' } }],
    ['services.web.ports.0', '${A:-${B}}:80', { B: { kind: 'port' } }],
    ['services.web.volumes.0', '${A}:/data', { A: { kind: 'path', or: ['shop_data'] } }],
    ['services.web.volumes.0', '${A}_data:/data:${M}', { A: { value: 'shop' }, M: { value: 'rw' } }],
    ['services.web.volumes.0', './conf/${A}.d:${B}', { A: { kind: 'name' }, B: { kind: 'path' } }],
    [
      'services.web.image',
      '${R}/${N}:${T}-alpine',
      { R: { kind: 'registry' }, N: { kind: 'name' }, T: { kind: 'name' } },
    ],
    ['services.web.image', '${I}', { I: { kind: 'image' } }],
    ['services.web.image', '${REGISTRY}web:1', { REGISTRY: { kind: 'registry', slash: true } }],
    ['services.web.mem_limit', '${A}', { A: { value: '64m' } }],
    ['services.web.mem_limit', '${A}m', { A: { value: '1' } }],
    ['services.web.tty', '${A}', { A: { value: 'true' } }],
    ['services.web.healthcheck.interval', '${A}', { A: { value: '10s' } }],
    ['services.web.platform', 'linux/${A}', { A: { value: 'amd64' } }],
    ['services.web.depends_on.0', '${A}', { A: { value: 'db' } }],
    ['services.web.environment.timeout', '${A}', { A: { kind: 'any' } }],
    ['services.web.labels.cpus', '${A}', { A: { kind: 'any' } }],
    ['networks.front.ipam.config.0.subnet', '${A}', { A: { value: '10.123.0.0/24' } }],
  ])('%s: %s', (path, text, wants) => {
    expect(Object.fromEntries(wantsAt(path.split('.'), text, declared))).toMatchObject(wants);
  });

  test('no text breaks it, and each placeholder is one character', () => {
    const piece = fc.constantFrom(
      '${A}',
      '$B',
      '${C:-${D}}',
      '$$',
      '${',
      '}',
      ':',
      '-',
      '/',
      '.',
      '9000',
      '@',
      ' ',
    );
    const place = fc.constantFrom('ports', 'volumes', 'image', 'env_file', 'cpus', 'networks');
    fc.assert(
      fc.property(fc.array(piece), place, (pieces, key) => {
        const text = pieces.join('');
        const masked = mask(text);
        expect(masked.text.match(/[\ue000-\uf8ff]/g)?.length ?? 0).toBe(masked.names.length);
        expect(wantsAt(['services', 'web', key, '0'], text, declared)).toBeInstanceOf(Map);
      }),
    );
  });
});

describe('values', () => {
  test('a variable in several places has what the strictest of them needs', () => {
    const { env } = valuesFor(
      'services: { web: { image: x, environment: { A: "${A}" }, mem_limit: "${A}" } }',
    );
    expect(env['A']).toBe('64m');
  });

  test('ranges have the right length, also behind a beginning that the example has', () => {
    const text = 'services: { web: { image: x, ports: ["${FROM}-${TO}:9000-9004"] } }';
    const { env } = valuesFor(text);
    expect(Number(env['TO']) - Number(env['FROM'])).toBe(4);
    expect(valuesFor(text, { FROM: '7000' }).env).toMatchObject({ FROM: '7000', TO: '7004' });
  });

  test('no two ports are the same, and none is a number of the file', () => {
    const { env } = valuesFor(
      'services: { web: { image: x, ports: ["${A}:80", "${B}:61001", "${C}:9000-9004", "${D}:1"] } }',
    );
    expect([env['A'], env['B'], env['C'], env['D']]).toEqual(['61002', '61003', '61004-61008', '61009']);
  });

  test.each<[string, string, string]>([
    ['mem_limit: "${A}"', '512m', '512m'],
    ['mem_limit: "${A}"', 'plenty', '64m'],
    ['tty: "${A}"', 'maybe', 'true'],
    ['ports: ["${A}:80"]', '127.0.0.1:8080', '127.0.0.1:8080'],
    ['ports: ["${A}:80"]', 'http', '61001'],
    ['ports: ["${A}"]', '127.0.0.1:3001:3001/tcp', '127.0.0.1:3001:3001/tcp'],
    ['ports: ["${A}"]', '127.0.0.1:3001', '61001'],
    ['image: "${A}"', 'ghcr.io/acme/web:1', 'ghcr.io/acme/web:1'],
    ['environment: { X: "${A}" }', 'CHANGE_ME', 'stand-in-a'],
  ])('%s with the example %s: %s', (line, example, expected) => {
    expect(valuesFor(`services:\n  web:\n    ${line}\n`, { A: example }).env['A']).toBe(expected);
  });

  test('what a .env of the repository sets, what Compose sets and what the shell sets is not made up', () => {
    const text =
      'services: { web: { image: "x:${TAG}", container_name: "${COMPOSE_PROJECT_NAME}", user: "${UID}", volumes: ["${PWD}/a:/a"] } }';
    expect(valuesFor(text, {}, { defaults: { TAG: '1' } }).env).toEqual({
      SLUICE_INIT: 'yes',
      UID: '1000',
      PWD: '/repo',
    });
  });
});

test('a guess says the variable in place of a value that was made up, and sluice.yml has none', () => {
  const service = {
    name: 'web',
    plan: {
      ports: [{ port: 61001, mode: 'http' }],
      strategy: 'blue-green',
      reason: 'port 61001, not 161001',
    },
    own: { port: 61001, health: '/up' },
    why: ['port 61001: Dockerfile'],
    maybe: { when: 'If', own: { port: 61001 } },
  };
  const guess = {
    registry: { value: 'stand-in.example/registry', why: 'x' },
    services: [service],
    notes: ['web writes to /stand-in/data-dir'],
  } as unknown as Guess;
  const made = new Map([
    ['61001', 'WEB_PORT'],
    ['/stand-in/data', 'DATA'],
    ['/stand-in/data-dir', 'DATA_DIR'],
    ['stand-in.example/registry', 'REGISTRY'],
  ]);
  expect(withoutStandIns(guess, made)).toMatchObject({
    registry: { value: undefined, why: 'the compose files take it from ${REGISTRY}' },
    services: [
      {
        own: { health: '/up' },
        maybe: undefined,
        portFrom: 'WEB_PORT',
        why: ['port ${WEB_PORT}: Dockerfile'],
        plan: { reason: 'port ${WEB_PORT}, not 161001' },
      },
    ],
    notes: ['web writes to ${DATA_DIR}'],
  });
  expect(Object.keys(withoutStandIns(guess, made).services[0]?.own ?? {})).toEqual(['health']);
});
