import { join } from 'node:path';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import { quoteWord } from '../../kernel/quote.ts';
import type { RunContext, ToolRun } from '../tool.ts';
import type { Transcript } from './transcript.ts';

/** Characters kept of each stream of a program; what says more than that is not to be parsed as whole. */
const keep = 16 * 1024 * 1024;

export interface SpawnPlace {
  readonly root: string;
  /** From the top of the repository. */
  readonly folder: string;
  readonly env: ChildEnv;
  readonly signal: AbortSignal;
  readonly transcript: Transcript;
}

/** What runs the programs of one check: see {@link RunContext.spawn}. */
export function spawner(place: SpawnPlace): RunContext['spawn'] {
  return async (argv, options = {}): Promise<ToolRun> => {
    const { transcript } = place;
    transcript.add(`$ ${argv.map(quoteWord).join(' ')}`);
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

/** A file that is there and can't be executed is the user's to mend, like one that is missing. */
function asUserError(program: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'EACCES' && code !== 'ENOEXEC' && code !== 'ENOTDIR' && code !== 'ENOENT') return error;
  const message = `${program} can't be started: ${messageOf(error)}`;
  return new UserError({ code: 'process.missing', message, cause: error });
}
