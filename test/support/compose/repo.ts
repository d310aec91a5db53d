import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadComposeModel } from '../../../src/config/compose/load.ts';
import type { ComposeModel } from '../../../src/config/model.ts';
import { formatPlace, type UserError, userErrorsOf } from '../../../src/kernel/errors.ts';

/** A repository with compose files, for the real `docker compose config` (no engine is needed). */
export interface ComposeRepo extends Disposable {
  readonly folder: string;
  put(path: string, text: string): void;
  /** Temporary files that exist now. Any that is left when the repository is disposed of is an error. */
  leftovers(): string[];
  /** Commits all that is there. */
  commit(): void;
  load(env?: Readonly<Record<string, string>>, options?: LoadOptions): Promise<ComposeModel>;
  errors(env?: Readonly<Record<string, string>>, options?: LoadOptions): Promise<readonly UserError[]>;
}

export interface LoadOptions {
  readonly files?: readonly string[];
  readonly signal?: AbortSignal;
  /** Sluice's own environment, over PATH and HOME. */
  readonly own?: Readonly<Record<string, string>>;
}

export function composeRepo(compose: string): ComposeRepo {
  // A place for temporary files of its own, so that what is left behind is seen.
  const temporary = mkdtempSync(join('/tmp', 'compose-contract-tmp-'));
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = temporary;
  const folder = mkdtempSync(join('/tmp', 'compose-contract-'));
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args]);
  git('init', '-q');
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  put('compose.yml', compose);
  const load: ComposeRepo['load'] = (env = {}, { files = ['compose.yml'], signal, own } = {}) =>
    loadComposeModel({ app: 'shop', folder, compose: files }, env, {
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        DOCKER_CONFIG: process.env['DOCKER_CONFIG'],
        ...own,
      },
      signal,
    });
  return {
    folder,
    put,
    commit: () => {
      git('add', '--all');
      git('commit', '-qm', 'all');
    },
    load,
    errors: async (env, options) => {
      try {
        await load(env, options);
      } catch (error) {
        const errors = userErrorsOf(error);
        if (errors.length > 0) return errors;
        throw error;
      }
      throw new Error('docker compose accepted it');
    },
    leftovers: () => readdirSync(temporary),
    [Symbol.dispose]: () => {
      const left = readdirSync(temporary);
      for (const path of [folder, temporary]) rmSync(path, { recursive: true, force: true });
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
      if (left.length > 0) throw new Error(`left behind: ${left.join(', ')}`);
    },
  };
}

/** What a user would see of errors, in one text. */
export function shown(errors: readonly UserError[]): string {
  return errors
    .map(
      ({ at, message, code, hint, output }) =>
        `${at === undefined ? '' : formatPlace(at)} ${message} [${code}] ${hint} ${output}`,
    )
    .join('\n');
}
