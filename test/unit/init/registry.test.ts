import { describe, expect, test } from 'vitest';
import type { ComposeService } from '../../../src/config/model.ts';
import { guessRegistry, loginsNeeded, registryNotes } from '../../../src/init/guess/registry.ts';
import { guessTargets } from '../../../src/init/guess/targets.ts';
import { nextSteps } from '../../../src/init/next-steps/next-steps.ts';
import { renderCaller } from '../../../src/init/render/callers.ts';
import { model } from '../../support/config/fixtures.ts';

const remote = { host: 'github.com', path: 'Acme/Shop' };
type Git = Parameters<typeof guessRegistry>[0]['git'];
const git = (over: object = {}) => ({ remote, branches: [], ...over }) as unknown as Git;
const built = (...images: (string | undefined)[]) =>
  model(
    Object.fromEntries(
      images.map((image, index): [string, ComposeService] => [
        `s${index}`,
        { build: '.', ...(image === undefined ? {} : { image }) },
      ]),
    ),
  );

describe('the registry', () => {
  test.each([
    ['as Docker shortens it', ['acme/web'], 'docker.io/acme'],
    ['in full', ['docker.io/acme/web:v1', 'acme/api'], 'docker.io/acme'],
    ['of a company', ['registry.example.com:5000/team/web'], 'registry.example.com:5000/team'],
    ['without a path', ['registry.example.com/web'], 'registry.example.com'],
    ['beside names without a path', ['quay.io/acme/web', 'base', undefined], 'quay.io/acme'],
    ['nowhere', [undefined, 'base'], 'ghcr.io/acme/shop'],
    ['at several places', ['acme/web', 'quay.io/acme/api'], 'ghcr.io/acme/shop'],
    ['by a variable', ['stand-in/web'], undefined],
    ['by a variable, beside one without a name', ['stand-in/web', undefined], 'ghcr.io/acme/shop'],
  ])('that `image:` names %s', (_, images, registry) => {
    expect(guessRegistry({ git: git() }, built(...images)).value).toBe(registry);
  });

  test.each([
    [['acme/web', undefined], 'docker.io/acme', ['docker.io']],
    [['acme/web', undefined], 'ghcr.io/acme/shop', ['docker.io']],
    [[undefined], 'ghcr.io/acme/shop', []],
    [[undefined], 'quay.io/acme', ['quay.io']],
    [['localhost:5000/web'], undefined, []],
    [['acme/web', 'quay.io/acme/api'], undefined, ['docker.io', 'quay.io']],
  ])('%j below %s needs logins at %j', (images, registry, logins) => {
    expect(loginsNeeded(built(...images), registry)).toEqual(logins);
  });
});

test('Docker Hub is named, with the way to GitHub’s registry', () => {
  expect(registryNotes(built('acme/web'), 'docker.io/acme', remote as never)).toEqual([
    'Images of s0 are pushed to Docker Hub, from `image:` (acme/web). For GitHub’s registry, use `image: ghcr.io/acme/shop/s0`.',
  ]);
  expect(registryNotes(built(undefined), 'ghcr.io/acme/shop', remote as never)).toEqual([]);
});

const targets = guessTargets(undefined, { production: 'deploy@server.example.com', staging: false });
const caller = { branches: ['main'], config: 'sluice.yml', targets, backups: [] };

test('the workflow passes a login where one is needed, and shows how elsewhere', () => {
  const lines = (hasRegistryLogin: boolean) =>
    renderCaller('deploy', { ...caller, hasRegistryLogin })
      .split('\n')
      .filter((line) => /registry-user|REGISTRY_PASSWORD:/.test(line))
      .map((line) => line.trim().split(' #')[0]);
  expect(lines(true)).toEqual([
    'registry-user: ${{ vars.REGISTRY_USER }}',
    'REGISTRY_PASSWORD: ${{ secrets.REGISTRY_PASSWORD }}',
  ]);
  expect(lines(false).every((line) => line?.startsWith('# '))).toBe(true);
});

const commandsWith = (logins: readonly string[], onGitHub: boolean) =>
  nextSteps({
    guess: {
      ...{ app: { value: 'shop', why: '' }, compose: { value: [], why: '', explicit: false } },
      ...{ registry: { value: undefined, why: '' }, services: [], migrate: undefined, backup: undefined },
      ...{ targets, site: undefined, needsVariables: false, onGitHub, notHandled: [], notes: [], logins },
    },
    files: ['sluice.yml'],
    example: undefined,
  })
    .flatMap(({ commands }) => commands)
    .filter((line) => /REGISTRY/.test(line));

test.each([
  [[], true, []],
  [
    ['docker.io'],
    true,
    [
      'gh variable set REGISTRY_USER --body USER   # the user that pushes to docker.io',
      'gh secret set REGISTRY_PASSWORD   # prompts for a Docker Hub access token (Read & Write)',
    ],
  ],
  [
    ['quay.io'],
    false,
    [
      'export SLUICE_REGISTRY_USER=USER   # the user that pushes to quay.io',
      'read -rs SLUICE_REGISTRY_PASSWORD && export SLUICE_REGISTRY_PASSWORD',
    ],
  ],
])('the next steps for logins at %j, on GitHub: %s', (logins, onGitHub, commands) => {
  expect(commandsWith(logins, onGitHub)).toEqual(commands);
});
