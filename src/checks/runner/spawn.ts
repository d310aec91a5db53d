import { join } from 'node:path';
import { messageOf, UserError } from '../../kernel/errors.ts';
import type { ChildEnv } from '../../kernel/process/child-env.ts';
import { runProcess } from '../../kernel/process/process.ts';
import { quoteWord } from '../../kernel/quote.ts';
import type { RunContext, ToolRun } from '../tool.ts';

/** Characters kept of each stream of a program; longer output counts as truncated. */
const keep = 16 * 1024 * 1024;

interface SpawnPlace {
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

/** A file that cannot be executed is a problem of the environment, like a missing one. */
function asUserError(program: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code !== 'EACCES' && code !== 'ENOEXEC' && code !== 'ENOTDIR' && code !== 'ENOENT') return error;
  const message = `Cannot start ${program}: ${messageOf(error)}`;
  return new UserError({ code: 'process.missing', message, cause: error });
}

/** Output of a check's programs for its group in the log: of long output the beginning and the end. */
export interface Transcript {
  add(line: string): void;
  text(): string;
  tail(lines: number): string;
}

const firstCharacters = 32 * 1024;
const lastCharacters = 96 * 1024;
const longestLine = 4096;

/** @param scrub masks the secrets of a line before it is cut. */
export function createTranscript(scrub: (line: string) => string): Transcript {
  const first: string[] = [];
  const last: string[] = [];
  let [firstSize, lastSize, left] = [0, 0, 0];
  return {
    add(line) {
      const clean = scrub(line);
      const shown = clean.length > longestLine ? `${clean.slice(0, longestLine)}…` : clean;
      if (lastSize === 0 && firstSize + shown.length <= firstCharacters) {
        first.push(shown);
        firstSize += shown.length + 1;
        return;
      }
      last.push(shown);
      lastSize += shown.length + 1;
      // In larger steps, since removing single lines from a long list is slow.
      if (lastSize < 2 * lastCharacters) return;
      while (lastSize > lastCharacters && last.length > 1) {
        const gone = last.splice(0, Math.ceil(last.length / 2));
        left += gone.length;
        lastSize -= gone.reduce((size, text) => size + text.length + 1, 0);
      }
    },
    text: () => [...first, ...(left === 0 ? [] : [`… ${left} lines omitted …`]), ...last].join('\n'),
    tail: (lines) => [...first, ...last].slice(-lines).join('\n'),
  };
}
