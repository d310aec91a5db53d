import { join } from 'node:path';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import { shellWord } from '../parse/shell-word.ts';
import type { RunContext, ToolRun } from '../tool.ts';
import type { Transcript } from './transcript.ts';

/** Characters kept of each stream of a program; longer output counts as truncated. */
const keep = 16 * 1024 * 1024;

export interface SpawnPlace {
  readonly root: string;
  /** From the top of the repository. */
  readonly folder: string;
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
  readonly transcript: Transcript;
}

/** Runs the programs of one check: see {@link RunContext.spawn}. */
export function spawner(place: SpawnPlace): RunContext['spawn'] {
  return async (argv, options = {}): Promise<ToolRun> => {
    const { transcript } = place;
    transcript.add(`$ ${argv.map(shellWord).join(' ')}`);
    const onLine = options.quiet === true ? undefined : (line: string) => transcript.add(line);
    const result = await runProcess(argv, {
      cwd: join(place.root, options.folder ?? place.folder),
      env: { ...place.env, ...options.env },
      signal: place.signal,
      keep,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
      ...(onLine === undefined ? {} : { onLine }),
    }).catch((error: unknown) => {
      throw asUserError(argv[0], error);
    });
    if (result.code !== 0) transcript.add(`(exit code ${result.code})`);
    return { ...result, truncated: result.truncated === true };
  };
}

/** A file that cannot be executed is a problem of the environment, like a missing one. */
function asUserError(program: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'EACCES' && code !== 'ENOEXEC' && code !== 'ENOTDIR' && code !== 'ENOENT') return error;
  const message = `Cannot start ${program}: ${messageOf(error)}`;
  return new UserError({ code: 'process.missing', message, cause: error });
}
