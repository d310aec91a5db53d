import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BuildReport } from '../../../src/build/plan.ts';

const program = join(import.meta.dirname, '../../../bin/sluice');

/** A repository whose images are built by `sluice build`, as a process of its own. */
export interface BuildApp extends Disposable {
  readonly folder: string;
  put(path: string, text: string): void;
  git(...args: string[]): void;
  build(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<BuildRun>;
  /** The same, without waiting for its end. */
  start(args?: readonly string[], env?: Readonly<Record<string, string>>): StartedBuild;
  /** Temporary files of ours and of buildx that are there now. */
  leftovers(): string[];
}

export interface BuildRun {
  readonly code: number | null;
  readonly report: BuildReport;
  readonly errors: readonly {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly at?: { file: string; line?: number };
    readonly output?: string;
  }[];
  /** Whatever it printed, on both channels. */
  readonly text: string;
}

export interface StartedBuild {
  readonly pid: number;
  readonly ended: Promise<BuildRun>;
  /** Resolves when a line of the log matches. */
  until(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

/** @param files by path; `compose.yml` among them. */
export function buildApp(files: Readonly<Record<string, string>>): BuildApp {
  const folder = mkdtempSync('/tmp/build-contract-');
  const temporary = mkdtempSync('/tmp/build-contract-tmp-');
  const home = mkdtempSync('/tmp/build-contract-home-');
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const git = (...args: string[]) =>
    void execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  put('sluice.yml', 'app: shop\ntargets: { production: { hosts: [deploy@prod.example.com] } }\n');
  for (const [path, text] of Object.entries(files)) put(path, text);
  git('init', '-q', '-b', 'main');
  git('add', '--all');
  git('commit', '-qm', 'all');

  function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): StartedBuild {
    const child = spawn(process.execPath, [program, 'build', ...args, '--json', '--verbose'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: home, TMPDIR: temporary, CI: 'true', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    const waiting: { pattern: RegExp; found: () => void }[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      for (const { pattern, found } of waiting) if (pattern.test(stderr)) found();
    });
    const ended = new Promise<BuildRun>((resolve) =>
      child.on('close', (code) => {
        const last = stdout.trim().split('\n').at(-1) ?? '';
        const json = (last.startsWith('{') ? JSON.parse(last) : {}) as BuildReport & Pick<BuildRun, 'errors'>;
        resolve({ code, report: json, errors: json.errors ?? [], text: `${stdout}${stderr}` });
      }),
    );
    return {
      pid: child.pid ?? 0,
      ended,
      until: (pattern) => new Promise((found) => waiting.push({ pattern, found })),
      kill: (signal) => void child.kill(signal),
    };
  }

  return {
    folder,
    put,
    git,
    start,
    build: (args, env) => start(args, env).ended,
    leftovers: () =>
      readdirSync(temporary).filter((name) => !/^(?:node-compile-cache|v8-compile)/.test(name)),
    [Symbol.dispose]: () => {
      for (const path of [folder, temporary, home]) rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Two services of one image and one of another, and a database that is not built. */
export function shopFiles(
  host: string,
  changes: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return {
    'compose.yml': `services:
  api:
    image: ${host}/shop/api
    build: ./api
  worker:
    image: ${host}/shop/api
    command: work
  web:
    image: ${host}/shop/web
    build: { context: ./web, args: { GREETING: "\${GREETING:-hello}" } }
  db:
    image: postgres:17
    environment: { POSTGRES_PASSWORD: "\${DB_PASSWORD}" }
`,
    'api/Dockerfile': 'FROM scratch\nCOPY api.txt /\nUSER 1000\n',
    'api/api.txt': `api ${Math.random()}\n`,
    'web/Dockerfile': 'FROM scratch\nARG GREETING\nENV GREETING=$GREETING\nCOPY web.txt /\n',
    'web/web.txt': `web ${Math.random()}\n`,
    ...changes,
  };
}

/** A sluice.yml with its `build:` section. */
export function settings(build: string): string {
  return `app: shop\nbuild: ${build}\ntargets: { production: { hosts: [deploy@prod.example.com] } }\n`;
}
