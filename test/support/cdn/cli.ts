import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { environmentOf, type S3Address } from './stores/server.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Content by path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface CliRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A repository with a front end and a sluice.yml, and the command line in it, as a process of its own. */
export interface Repository extends AsyncDisposable {
  readonly folder: string;
  /** Makes the folder that is published hold just these. */
  build(files: Files): Promise<void>;
  /** `sluice cdn …`, against a server or a front before it. */
  cdn(server: S3Address, ...args: string[]): Promise<CliRun>;
  start(server: S3Address, ...args: string[]): Started;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<CliRun>;
}

export async function openRepository(
  bucket: string,
  settings: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-site-'));
  const cdn = { dist: 'dist', store: `s3://${bucket}/site`, ...settings };
  await writeFile(join(folder, 'sluice.yml'), JSON.stringify({ app: 'shop', cdn }));
  const start = (server: S3Address, ...args: string[]): Started => {
    const child = spawn(process.execPath, [join(root, 'src/cli/main.ts'), 'cdn', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        USER: 'ann',
        ...environmentOf(server),
        AWS_ENDPOINT_URL_S3: server.endpoint,
        AWS_REGION: server.region,
        ...env,
      },
    });
    const [out, err]: [string[], string[]] = [[], []];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => err.push(chunk));
    const ended = new Promise<CliRun>((done) =>
      child.once('close', (code) => done({ code, stdout: out.join(''), stderr: err.join('') })),
    );
    return { child, ended };
  };
  return {
    folder,
    build: async (files) => {
      await rm(join(folder, 'dist'), { recursive: true, force: true });
      for (const [path, content] of Object.entries(files)) {
        const file = join(folder, 'dist', path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
    },
    start,
    cdn: (server, ...args) => start(server, ...args).ended,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
