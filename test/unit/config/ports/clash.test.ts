import { describe, expect, test } from 'vitest';
import type { ComposePort } from '../../../../src/config/model.ts';
import { portFaults } from '../../../../src/config/ports/clash.ts';
import { model } from '../../../support/config/fixtures.ts';

/** `[::1]:80`, `127.0.0.1:8000-8001`, `53/udp`: what a service publishes. */
function published(text: string): ComposePort {
  const [, bracketed, plain, port, protocol] =
    /^(?:\[(.+)\]:|([\d.]+):)?([\d-]+)(?:\/(\w+))?$/.exec(text) ?? [];
  const ip = bracketed ?? plain;
  return {
    target: 3000,
    published: port ?? '',
    ...(ip ? { host_ip: ip } : {}),
    ...(protocol ? { protocol } : {}),
  };
}

const faults = (one: readonly string[], other: readonly string[]) =>
  portFaults(model({ web: { ports: one.map(published) }, queue: { ports: other.map(published) } }));

describe('two services on one port of the server', () => {
  test.each([
    ['80', '80'],
    ['0.0.0.0:80', '127.0.0.1:80'],
    ['80', '[::1]:80'],
    ['[::]:80', '[::1]:80'],
    ['[::1]:80', '[0:0:0:0:0:0:0:1]:80'],
    ['10.0.0.1:80', '10.0.0.1:80'],
    ['53/udp', '53/udp'],
    ['8000', '8000-8000'],
  ])('%s and %s', (one, other) => {
    expect(faults([one], [other])).toMatchObject([
      {
        code: 'compose.port-clash',
        message: expect.stringMatching(/^services\.(?:web|queue) and services\.(?:web|queue) both publish/),
      },
    ]);
  });

  test.each([
    ['80', '81'],
    ['53', '53/udp'],
    ['127.0.0.1:80', '127.0.0.2:80'],
    ['0.0.0.0:80', '[::]:80'],
    ['127.0.0.1:80', '[::1]:80'],
    ['8000', '8000-8001'],
  ])('%s and %s are two', (one, other) => {
    expect(faults([one], [other])).toEqual([]);
  });

  test('a range is taken when none of it is free', () => {
    expect(faults(['8000', '8001'], ['8000-8001'])).toHaveLength(1);
    expect(faults(['8000-8001', '8000-8001'], ['8000-8001'])).toHaveLength(1);
    expect(faults(['8000', '8001'], ['8000-8002'])).toEqual([]);
  });

  test('all of them are reported, and one service with itself', () => {
    expect(
      faults(['80', '443', '9000'], ['80', '443', '9001', '9001']).map(({ message }) => message),
    ).toEqual([
      'services.web and services.queue both publish port 80 of the server',
      'services.web and services.queue both publish port 443 of the server',
      'services.queue.ports: port 9001 of the server appears twice',
    ]);
  });

  test('services of different servers do not meet, and a port of docker’s choice meets nobody', () => {
    const two = model({
      a: { ports: [published('80')] },
      b: { ports: [published('80')] },
      c: { ports: [{ target: 80 }] },
    });
    expect(portFaults(two, { names: ['a', 'c'] })).toEqual([]);
    expect(portFaults(two)).toHaveLength(1);
  });

  test('the line is that of the second one, also behind an anchor', () => {
    const text =
      'services:\n  web: &web\n    ports:\n      - 80:3000\n  queue:\n    <<: *web\n    command: work\n';
    const data = {
      services: { web: { ports: ['80:3000'] }, queue: { ports: ['80:3000'], command: 'work' } },
    };
    const written = {
      sources: new Map(),
      envFile: new Set<string>(),
      files: [{ file: `${process.cwd()}/compose.yml`, text, data }],
    };
    const both = model({ web: { ports: [published('80')] }, queue: { ports: [published('80')] } });
    expect(portFaults(both, { written })).toMatchObject([{ at: { file: 'compose.yml', line: 6 } }]);
  });
});
