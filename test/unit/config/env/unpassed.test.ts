import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { unpassedVariables } from '../../../../src/config/env/unpassed.ts';

const own = {
  TAG: 'v2',
  HOME: '/home/me',
  GITHUB_SHA: 'abc',
  PORT: '1',
  DB_PASSWORD: 'hunter2',
  EMPTY: '',
  LEVEL: 'x',
};

function warnings(
  text: string,
  values: Readonly<Record<string, string>> = {},
  envFile: readonly string[] = [],
  services = ['web'],
) {
  const files = [{ file: '/repo/compose.yml', text, data: parse(text, { merge: true }) as unknown }];
  return unpassedVariables(
    { sources: new Map(), files, envFile: new Set(envFile) },
    services,
    values,
    own,
    'production',
  );
}
const image = (text: string) => `services: { web: { image: "${text}" } }`;

describe('variables that are set here and not passed', () => {
  test('the default that is used instead is named', () => {
    expect(warnings(image('app:${TAG:-v1}'))).toEqual([
      'TAG is set here, but targets.production.env does not pass it; the compose file’s default v1 is used',
    ]);
  });

  test.each([
    ['passed by the target', image('app:${TAG:-v1}'), { TAG: 'v3' }],
    ['without a default: that is an error of its own', image('app:${TAG}'), {}],
    ['not set here', image('app:${OTHER:-v1}${EMPTY:-x}'), {}],
    ['one of the shell', 'services: { web: { image: a, volumes: ["${HOME:-/root}/x:/x"] } }', {}],
    ['a dollar sign that is escaped', image('app:$${TAG:-v1}'), {}],
    [
      'used by a service behind a profile',
      'services: { web: { image: a }, dev: { image: "b:${TAG:-v1}", profiles: [dev] } }',
      {},
    ],
  ])('no warning: %s', (_, text, values) => {
    expect(warnings(text, values)).toEqual([]);
  });

  test.each([
    ['${GITHUB_SHA:-latest}', 'the compose file’s default latest is used'],
    ['${TAG-}', 'the compose file’s default is used'],
    ['${TAG:+-x}', 'the compose file’s default is used'],
    ['${NONE:-${TAG:-v1}}', 'the compose file’s default v1 is used'],
    ['${TAG:-v1}-${TAG:-v0}', 'the compose file’s default is used'],
  ])('%s', (text, end) => {
    expect(warnings(image(text)).join('\n')).toMatch(new RegExp(`; ${end}$`));
  });

  test('neither a value of this machine nor a default that is a secret is shown', () => {
    const text = warnings(
      'services: { web: { environment: { P: "${DB_PASSWORD:-changeme}" }, image: "a:${TAG:-v1}" } }',
    ).join('\n');
    expect(text).toContain('DB_PASSWORD is set here');
    expect(text).not.toMatch(/changeme|hunter2|v2/);
  });

  test('the .env of the repository wins over this machine, with and without a default', () => {
    expect(warnings(image('app:${TAG}'), {}, ['TAG'])).toEqual([
      'TAG is set here, but targets.production.env does not pass it; the value in .env is used',
    ]);
  });

  test('networks, volumes and other sections count, extensions only where they are used', () => {
    const text =
      'x-a: "${PORT:-9}"\nservices: { web: { image: a } }\nnetworks: { n: { name: "${LEVEL:-low}" } }';
    expect(warnings(text)).toHaveLength(1);
  });
});
