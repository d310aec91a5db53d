import { describe, expect, test } from 'vitest';
import { secretInputs } from '../../../../src/actions/step/credentials.ts';
import { credentialFiles, reservedGroup, whyReserved } from '../../../../src/config/secrets/reserved.ts';
import { secretVariables } from '../../../../src/host/ssh/credentials.ts';
import { config, target } from '../../../support/config/fixtures.ts';

describe('reserved variables', () => {
  test('are all that Sluice itself reads a credential from', () => {
    const inputs = secretInputs.map((name) => `INPUT_${name.toUpperCase()}`);
    const own = [...secretVariables, 'SLUICE_REGISTRY_PASSWORD', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'];
    for (const name of [...inputs, ...own]) expect(reservedGroup(name)?.allowed, name).toBe('never');
  });

  test.each([
    'github_token',
    'Aws_Secret_Access_Key',
    'GITHUB_ENTERPRISE_TOKEN',
    'EU_SSH_KEY',
    'SSH_PRIVATE_KEY',
    'PROD_SSH_PRIVATE_KEY',
    'AWS_A\nB',
  ])('%j is one, in any case', (name) => expect(reservedGroup(name)).toBeDefined());

  test.each([
    ...[
      'NPM_TOKEN',
      'GITHUB_SHA',
      'GITHUB_ACTOR',
      'GITHUB_REPOSITORY',
      'AWS_REGION',
      'aws_region',
      'CI',
      'TAG',
    ],
    ...['MY_GITHUB_TOKEN', 'ACTION', 'SLUICE', 'INPUT', 'XAWS_KEY', 'PROD_ENVIRONMENT', 'MY_ENV_FILE', ''],
  ])('%j is none', (name) => expect(reservedGroup(name)).toBeUndefined());

  test('are those that hold an env file or a webhook, too', () => {
    const targets = {
      production: { ...target, env: [{ kind: 'secret-file', variable: 'APP_SETTINGS' } as const] },
    };
    const sight = { ...config, targets, notify: { slack: 'TEAM_HOOK' } };
    expect(whyReserved('APP_SETTINGS', sight)).toBe('the env file of the target production');
    expect(whyReserved('TEAM_HOOK', sight)).toBe('the webhook of notify.slack');
    expect(whyReserved('TEAM_HOOK', {})).toBeUndefined();
    const names = ['APP_SETTINGS', 'TEAM_HOOK', 'AWS_PROFILE', 'PATH', 'TAG'];
    expect(names.filter((name) => whyReserved(name, sight) === undefined)).toEqual(['PATH', 'TAG']);
  });

  test('name files as well', () => {
    const env = { HOME: '/home/me', SLUICE_SSH_KEY_FILE: '/run/key', AWS_WEB_IDENTITY_TOKEN_FILE: '' };
    expect(credentialFiles(env)).toEqual([
      '/run/key',
      '/home/me/.aws/credentials',
      '/home/me/.docker/config.json',
    ]);
    expect(credentialFiles({})).toEqual([]);
  });
});
