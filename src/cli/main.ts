import { CommanderError } from 'commander';
import { UserError } from '../kernel/errors.ts';
import { takeEnvironment } from '../kernel/process/environ.ts';
import { run } from '../kernel/run.ts';
import { addCommands } from './commands.ts';
import { complete } from './completion.ts';
import { createProgram } from './program.ts';

// First of all: tools and tests that start later find no secret in the environment of this process.
const { env } = takeEnvironment();
// A reader that closes early (`sluice --help | head`) is not an error.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const words = process.argv.slice(2);
const program = createProgram(env, words);
addCommands(program);

if (words[0] === '__complete') {
  // Called by the completion scripts on every TAB, with words that are not finished: the parser must not see them.
  process.stdout.write(await complete(program, words.slice(1)));
} else {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode;
    else if (error instanceof UserError) process.exitCode = await refuse(error);
    else throw error;
  }
}

/** The parser stopped before it knew all options: those that shape the message are read from the words. */
async function refuse(error: UserError): Promise<number> {
  const has = (flag: string) => words.includes(flag);
  const options = { env, json: has('--json'), verbose: false, color: !has('--no-color') };
  return await run(options, () => Promise.reject(error));
}
