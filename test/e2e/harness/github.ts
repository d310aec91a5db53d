import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { composeOverlay, envFile, rateLimitOff } from '../../bed/app/settings.ts';
import { exampleFolder } from '../../bed/app/tree.ts';
import { appRegistry } from '../../bed/app/versions.ts';
import type { Bed } from '../../bed/bed.ts';
import { command, type Result } from '../../bed/command.ts';
import { standIns } from '../../bed/images.ts';
import { artifactActions } from '../../bed/toolkit/artifacts.ts';
import { copyCheckout } from '../../bed/toolkit/checkout.ts';

const act = join(import.meta.dirname, '../../../.bed/tools/bin/act');

/** The toolkit as users have it: a release that scripts/release made. */
export interface Kit {
  /** Path of the released command line tool. */
  readonly cli: string;
  /** For act: what the names and hashes in workflows stand for. */
  readonly flags: readonly string[];
}

export function releaseKit(folder: string): Kit {
  const made = copyCheckout(folder, {
    'CHANGELOG.md': '# Changelog\n\n## [1.0.0] - 2026-11-30\n\n- All of it\n',
  });
  made.git('push', '-q', 'origin', 'main');
  made.markTested();
  execFileSync(process.execPath, ['scripts/release.ts', '1.0.0'], { cwd: made.folder, stdio: 'pipe' });
  const built = made.inRemote('rev-parse', 'v1^{commit}^');
  const clones = ['v1', built].map((ref) => {
    const clone = join(folder, `kit-${ref}`);
    execFileSync('git', ['clone', '-q', made.remote, clone], { stdio: 'pipe' });
    execFileSync('git', ['-C', clone, 'checkout', '-q', ref], { stdio: 'pipe' });
    return ['--local-repository', `sluice-ci/sluice@${ref}=${clone}`];
  });
  return {
    cli: join(folder, 'kit-v1/dist/cli.js'),
    flags: [...clones.flat(), ...artifactActions(join(folder, 'artifacts'))],
  };
}

/** A team's repository on GitHub. */
export interface Repo {
  readonly folder: string;
  git(...args: string[]): string;
  put(path: string, text: string): void;
}

/** The example as a repository that has never heard of Sluice. */
export function exampleRepo(folder: string, without: readonly string[]): Repo {
  const listed = execFileSync('git', ['ls-files', '-z', '.'], { cwd: exampleFolder }).toString();
  const strange = (file: string) =>
    file === 'sluice.yml' || without.some((candidate) => file.endsWith(candidate));
  for (const file of listed.split('\0').filter((field) => field !== '' && !strange(field))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(exampleFolder, file), join(folder, file));
  }
  return asRepo(folder);
}

/** A repository with just these files. */
export function repoOf(folder: string, files: Readonly<Record<string, string>>): Repo {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return asRepo(folder);
}

function asRepo(folder: string): Repo {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Ada');
  git('config', 'user.email', 'ada@example.com');
  git('remote', 'add', 'origin', 'https://github.com/acme/bookreader.git');
  git('add', '--all');
  git('commit', '-qm', 'The app');
  return { folder, git, put: (path, text) => writeFileSync(join(folder, path), text) };
}

/** What differs on the bed from a team's servers: stand-ins for images, and less patience. */
export function fitToBed(repo: Repo): void {
  const file = join(repo.folder, 'sluice.yml');
  const config = parse(readFileSync(file, 'utf8')) as { compose?: string[] } & Record<string, unknown>;
  const fitted = {
    ...config,
    compose: [...(config.compose ?? ['compose.yml']), 'compose.bed.yml'],
    edge: { image: standIns.haproxy },
    watch: { for: '500ms', 'max-5xx': '1%', 'min-5xx': 10, deadline: '4s' },
    drain: '500ms',
  };
  writeFileSync(file, stringify(fitted, { lineWidth: 0 }));
  repo.put('compose.bed.yml', composeOverlay());
  repo.put('nginx/rate-limit-off.conf', rateLimitOff);
}

export interface WorkflowRun {
  readonly code: number;
  /** What GitHub's log would show. */
  readonly log: string;
}

export interface WorkflowOptions {
  readonly workflow: string;
  readonly event: string;
  /** The event's payload. */
  readonly payload?: object;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Of the machine that builds. */
  readonly env?: Readonly<Record<string, string>>;
  /** The environment of the run, whose secrets it has: act has but one set of them. */
  readonly environment?: 'production' | 'staging';
  /** Besides those of the environment. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/**
 * Runs a workflow of the repository as GitHub would, on this machine.
 *
 * @param bed undefined for workflows that deploy nothing.
 */
export async function runWorkflow(
  repo: Repo,
  kit: Kit,
  bed: Bed | undefined,
  options: WorkflowOptions,
): Promise<WorkflowRun> {
  const home = join(dirname(repo.folder), 'home');
  mkdirSync(home, { recursive: true });
  const event = join(home, 'event.json');
  writeFileSync(
    event,
    JSON.stringify({
      repository: { full_name: 'acme/bookreader', default_branch: 'main' },
      ...options.payload,
    }),
  );
  const secrets = {
    ...(bed === undefined ? {} : secretsOf(options.environment ?? 'production', bed)),
    ...options.secrets,
  };
  const env = {
    ARTIFACTS: mkdtempSync(join(home, 'artifacts-')),
    REGISTRY: appRegistry,
    PYTHON_IMAGE: standIns.python,
    NODE_IMAGE: standIns.node,
    NGINX_IMAGE: standIns.nginx,
    ...options.env,
  };
  const flags = [
    ...['--eventpath', event, '--workflows', `.github/workflows/${options.workflow}`],
    ...['--platform', 'ubuntu-latest=-self-hosted', ...kit.flags],
    ...pairs('--secret', secrets),
    ...pairs('--env', env),
    ...pairs('--input', options.inputs ?? {}),
  ];
  const path = `${dirname(process.execPath)}:${process.env.PATH}`;
  const result: Result = await command(
    ['env', `HOME=${home}`, `PATH=${path}`, act, options.event, ...flags],
    { cwd: repo.folder, timeout: 300_000 },
  );
  return { code: result.code, log: `${result.stdout}\n${result.stderr}` };
}

function pairs(flag: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

function secretsOf(environment: 'production' | 'staging', bed: Bed): Record<string, string> {
  const host = bed.hosts[environment === 'production' ? 0 : 1];
  if (host === undefined) throw new Error('the bed has too few hosts');
  const { ssh, hostKey, http } = host;
  return {
    SSH_KEY: readFileSync(bed.privateKeyPath, 'utf8'),
    KNOWN_HOSTS: `[${ssh.host}]:${ssh.port} ${hostKey}`,
    ENV_FILE: envFile([http.host]),
  };
}
