import { describe, expect, test } from 'vitest';
import { isAtLeast } from '../../../../src/config/compose/cli.ts';
import { unsetVariables } from '../../../../src/config/compose/errors.ts';
import { plain } from '../../../../src/config/compose/load.ts';
import { canonicalModel } from '../../../../src/config/compose/shape.ts';
import { errorsOf } from '../../../support/config/fixtures.ts';

const service = (printed: Record<string, unknown>) =>
  canonicalModel({ name: 'shop', services: { web: printed } }).services['web'];

describe('one shape for what releases of Compose print', () => {
  test('lists, single texts and numbers', () => {
    expect(
      service({
        environment: ['A=1=2', 'B=', 'C'],
        labels: ['l=v'],
        command: "sh -c 'echo x'",
        entrypoint: 'tini --',
        expose: [80, '81-82'],
        healthcheck: { test: 'curl x', retries: 3 },
        ports: [{ target: 80 }],
        'x-own': [1],
      }),
    ).toEqual({
      environment: { A: '1=2', B: '', C: null },
      labels: { l: 'v' },
      command: ['sh', '-c', 'echo x'],
      entrypoint: ['tini', '--'],
      expose: ['80', '81-82'],
      healthcheck: { test: ['CMD-SHELL', 'curl x'], retries: 3 },
      ports: [{ target: 80 }],
      'x-own': [1],
    });
  });

  test('the usual shape stays as it is', () => {
    const printed = {
      command: null,
      entrypoint: ['a'],
      environment: { A: null },
      healthcheck: { test: ['CMD', 'x'] },
    };
    expect(service(printed)).toEqual(printed);
  });

  test('what was not read or not understood is refused, without its text', async () => {
    expect(await errorsOf(() => service({ env_file: [{ path: '.env' }] }))).toMatchObject([
      { code: 'compose.too-old' },
    ]);
    const [error] = await errorsOf(() => service({ ports: ['hunter2:80'] }));
    expect(error?.code).toBe('compose.invalid');
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});

test('versions', () => {
  for (const [version, least] of [
    ['2.26.1', '2.26.0'],
    ['2.26.0', '2.26.0'],
    ['5.0.0', '2.26.0'],
    ['2.100.0', '2.26.0'],
    [undefined, '2.26.0'],
  ] as const) {
    expect(isAtLeast(version, least)).toBe(true);
  }
  for (const version of ['2.25.9', '1.29.2', '2.3.0', '0.0.1'])
    expect(isAtLeast(version, '2.26.0')).toBe(false);
});

test('warnings about variables, as a terminal and a pipe show them', () => {
  const stderr = `time="2026-01-01T00:00:00Z" level=warning msg="The \\"TAG\\" variable is not set. Defaulting to a blank string."
WARN[0000] The "B" variable is not set. Defaulting to a blank string.
WARN[0000] The "B" variable is not set. Defaulting to a blank string.
something else`;
  expect(unsetVariables(stderr)).toEqual(['B', 'TAG']);
});

test('dollars of the model', () => {
  expect(plain('a$$b $$$$ $${X}')).toBe('a$b $$ ${X}');
});
