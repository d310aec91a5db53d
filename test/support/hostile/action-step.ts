import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** What a step of an action said and did. */
export interface StepEnd {
  readonly code: number | null;
  readonly log: string;
  readonly outputs: string;
}

/** A repository of its own with one commit, in a folder that goes with everything else of the test. */
export interface Bench extends Disposable {
  readonly root: string;
  readonly head: string;
  git(...args: string[]): string;
  /** Runs an action from its sources as GitHub's runner does: node, the environment, the workspace as folder. */
  step(
    action: string,
    given: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
    event?: object,
  ): Promise<StepEnd>;
}

const top = resolve(import.meta.dirname, '../../..');
const main = join(top, 'src/actions/main.ts');
/** Where bin/sluice keeps what Node made of the sources, too: a start takes half of its time. */
const compiled = join(top, 'node_modules/.cache/sluice');

export function bench(files: Readonly<Record<string, string>>): Bench {
  const base = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
  const root = join(base, 'workspace');
  const temp = join(base, 'temp');
  mkdirSync(temp);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: root,
      encoding: 'utf8',
    }).trim();
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('commit', '-qm', 'all');
  const head = git('rev-parse', 'HEAD');
  const entry = join(base, 'step.mjs');
  writeFileSync(
    entry,
    `import { startAction } from ${JSON.stringify(main)};\nawait startAction(process.argv[2], 'main');\n`,
  );
  const step: Bench['step'] = (action, given, env = {}, event = {}) => {
    const paths = Object.fromEntries(
      ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_STEP_SUMMARY', 'GITHUB_ENV', 'GITHUB_EVENT_PATH'].map(
        (name) => [name, join(temp, name)],
      ),
    );
    for (const path of Object.values(paths)) writeFileSync(path, '');
    writeFileSync(join(temp, 'GITHUB_EVENT_PATH'), JSON.stringify(event));
    const child = spawn(process.execPath, [entry, action], {
      cwd: root,
      env: {
        ...{ PATH: process.env.PATH, HOME: process.env.HOME, CI: 'true', GITHUB_ACTIONS: 'true' },
        ...{ GITHUB_WORKSPACE: root, GITHUB_REPOSITORY: 'acme/shop', GITHUB_ACTOR: 'octocat' },
        ...{ GITHUB_SERVER_URL: 'https://github.example', GITHUB_EVENT_NAME: 'push', GITHUB_SHA: head },
        ...{ GITHUB_REF: 'refs/heads/main', GITHUB_REF_NAME: 'main', GITHUB_REF_TYPE: 'branch' },
        ...{ RUNNER_TEMP: temp, NODE_COMPILE_CACHE: compiled },
        ...paths,
        ...Object.fromEntries(
          Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
        ),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
    }
    return new Promise((done, failed) => {
      child.on('error', failed);
      child.on('close', (code) =>
        done({ code, log, outputs: readFileSync(join(temp, 'GITHUB_OUTPUT'), 'utf8') }),
      );
    });
  };
  return { root, head, git, step, [Symbol.dispose]: () => rmSync(base, { recursive: true, force: true }) };
}
