import { describe, expect, test } from 'vitest';
import { keysIn, neverHandedOn } from '../../../src/kernel/masking/keys.ts';
import {
  dockerEnv,
  isOpen,
  plainEnv,
  proxyPasswords,
  toolEnv,
} from '../../../src/kernel/process/child-env.ts';

const secret = Object.fromEntries(
  (
    'ACTIONS_RUNTIME_TOKEN ACTIONS_RESULTS_URL ACTIONS_CACHE_URL ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL ' +
    'GITHUB_TOKEN GH_TOKEN GITHUB_OUTPUT GITHUB_STATE GITHUB_ENV GITHUB_PATH GITHUB_STEP_SUMMARY CODECOV_TOKEN ' +
    'INPUT_SSH-KEY INPUT_GITHUB-TOKEN SLUICE_SSH_KEY SLUICE_REGISTRY_PASSWORD SSH_AUTH_SOCK AWS_SECRET_ACCESS_KEY ' +
    'CLOUDFLARE_API_TOKEN STRIPE_KEY DATABASE_URL PROD_ENV JWT NODE_AUTH_TOKEN npm_config__authtoken NPM_CONFIG__AUTH ' +
    'npm_config_//registry.npmjs.org/:_authToken TRIVY_PASSWORD POETRY_HTTP_BASIC_ACME_PASSWORD CYPRESS_RECORD_KEY ' +
    'DOCKER_PASSWORD GOOGLE_APPLICATION_CREDENTIALS VITE_API_SECRET'
  )
    .split(' ')
    .map((name) => [name, 'hunter2-value']),
);
const plain = { PATH: '/bin', HOME: '/root', CI: 'true', LC_ALL: 'C', https_proxy: 'http://proxy:3128' };
const ofRun = {
  GITHUB_SHA: 'a',
  GITHUB_REPOSITORY: 'acme/shop',
  GITHUB_EVENT_PATH: '/e',
  RUNNER_OS: 'Linux',
};
const settings = {
  ...{
    npm_config_cache: '/c',
    PIP_INDEX_URL: 'https://mirror.example/simple',
    PYTHONPATH: 'src',
    NODE_ENV: 'test',
  },
  ...{
    NODE_OPTIONS: '--max-old-space-size=4096',
    UV_CACHE_DIR: '/uv',
    TRIVY_DB_REPOSITORY: 'mirror.example/db',
  },
};

describe('what a child gets is a list of what it may have', () => {
  test('tools and tests: paths, the run, settings; nothing that opens anything', () => {
    expect(toolEnv({ ...secret, ...plain, ...ofRun, ...settings })).toEqual({
      ...plain,
      ...ofRun,
      ...settings,
    });
  });

  test('a setting with a login in its address is none', () => {
    expect(toolEnv({ PIP_INDEX_URL: 'https://me:hunter2@mirror.example/simple' })).toEqual({});
  });

  test.each(
    (
      'DOCKER_PWD DOCKER_HUB_PWD CYPRESS_ADMIN_PWD JEST_PW DOCKER_PSW CYPRESS_APIKEY DOCKER_SSHKEY NODE_APPKEY CONDA_KEYS ' +
      'PLAYWRIGHT_SERVICE_ACCESSKEY DOCKER_PASSKEY DOCKER_CREDS PYTHON_JWT NPM_CONFIG_OTP CYPRESS_WEBHOOK_URL'
    ).split(' '),
  )('%s is excluded by its name', (name) => expect(toolEnv({ [name]: 'hunter2-value' })).toEqual({}));

  test.each([
    ['DOCKER_CONFIG_JSON', '{"auths": {"ghcr.io": {"auth": "bWU6aHVudGVyMg=="}}}'],
    ['NODE_CONFIG', '{"db":{"password":"hunter2"}}'],
    ['NPM_CONFIG_REGISTRY', '//me:hunter2@npm.example.com/'],
    ['PIP_EXTRA_INDEX_URL', 'https://a.example.com https://me:hunter2@b.example.com'],
    ['PIP_FIND_LINKS', 'https://b.example.com/simple?token=hunter2'],
    ['JAVA_TOOL_OPTIONS', '-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2'],
    ['PYTEST_ADDOPTS', '-q --db-password=hunter2'],
    ['NODE_REGISTRY_LOGIN', `ghp_${'a1'.repeat(18)}`],
    ['DOCKER_DEPLOY', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('%s is excluded by its value', (name, value) => {
    expect([toolEnv({ [name]: value }), isOpen(name, value)]).toEqual([{}, false]);
    expect(dockerEnv({ [name]: value })).toEqual({});
  });

  test('what tests and their libraries find a service by', () => {
    const ordinary = {
      ...{ PGHOST: 'localhost', PGPORT: '5432', DJANGO_SETTINGS_MODULE: 'shop.settings', FLASK_ENV: 'test' },
      ...{
        LD_LIBRARY_PATH: '/opt/python/lib',
        TZ: 'UTC',
        NODE_ENV: 'test',
        NODE_OPTIONS: '--max-http-header-size=9',
      },
      ...{ PYTHON_KEYRING_BACKEND: 'keyring.backends.null.Keyring', DOCKER_CERT_PATH: '/c', PWD: '/work' },
    };
    expect(toolEnv(ordinary)).toEqual(ordinary);
  });

  test('what sluice.yml names, by its exact name', () => {
    expect(toolEnv(secret, ['DATABASE_URL', 'STRIPE'])).toEqual({ DATABASE_URL: 'hunter2-value' });
  });

  test('git and questions to docker: no settings of tools either', () => {
    expect(plainEnv({ ...secret, ...plain, ...ofRun, ...settings })).toEqual({ ...plain, ...ofRun });
  });

  test('docker: the engine, and the agent only for one that is reached by ssh', () => {
    const engine = { DOCKER_HOST: 'tcp://10.0.0.1', BUILDX_BUILDER: 'big', DOCKER_CONFIG: '/d' };
    expect(dockerEnv({ ...secret, ...plain, ...engine })).toEqual({ ...plain, ...engine });
    const far = { DOCKER_HOST: 'ssh://build.example.com', SSH_AUTH_SOCK: '/agent' };
    expect(dockerEnv({ ...secret, ...far })).toEqual(far);
    const user = { DOCKER_HOST: 'ssh://me@build.example.com' };
    expect(dockerEnv(user)).toMatchObject(user);
  });

  test('the process itself keeps no more than its children may see', () => {
    const left = Object.entries(secret).filter(([name, value]) => isOpen(name, value));
    // Paths of files, which the toolkit of GitHub reads from the environment.
    expect(left.map(([name]) => name)).toEqual(['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY']);
  });
});

test('keys by name; a stand-in of tests is none', () => {
  const env = {
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'wJalr',
    SLUICE_SSH_KEY: '',
    CLOUDFLARE_API_TOKEN: 't0k',
  };
  expect(keysIn(env)).toEqual(['AWS_SECRET_ACCESS_KEY', 'CLOUDFLARE_API_TOKEN']);
});

test.each(['ACTIONS_RUNTIME_TOKEN', 'INPUT_SSH-KEY', 'SLUICE_SSH_KEY', 'GITHUB_ENV', 'SSH_AUTH_SOCK'])(
  'sluice.yml cannot name %s',
  (name) => expect(neverHandedOn.test(name)).toBe(true),
);

test('passwords of proxies, which children get and name in their errors', () => {
  const env = {
    HTTPS_PROXY: 'http://me:hunter%40two@proxy.example.com:3128',
    no_proxy: 'localhost',
    X: 'http://a:b@c',
  };
  expect(proxyPasswords(env)).toEqual(['hunter%40two', 'hunter@two']);
});
