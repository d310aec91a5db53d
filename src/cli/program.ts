import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { UserError } from '../kernel/errors.ts';
import { allWritten, type Effects, exitMeanings, run, usesColor } from '../kernel/run.ts';
import { version } from '../kernel/version.ts';
import type { CommandContext } from './context.ts';

/** The code of a command. @returns the exit code. */
export type Execute<O> = (context: CommandContext, first: string | undefined, options: O) => Promise<number>;

interface GlobalOptions {
  readonly config?: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly color: boolean;
}

/** The root command, without commands. */
export function createProgram(env: Effects['env'], words: readonly string[]): SluiceCommand {
  const color = { json: false, color: !words.includes('--no-color') };
  const root = new SluiceCommand('sluice');
  root.env = env;
  root
    .description('Deploy Docker Compose apps to your own servers, as transactions.')
    .version(version, '-V, --version', 'Print the version')
    .option('-c, --config <file>', 'Path of sluice.yml (default: searched upwards from here)')
    .option('--json', 'Print the result as JSON; log JSON lines on stderr', false)
    .addOption(
      new Option('-q, --quiet', 'Show only the result, warnings and errors')
        .default(false)
        .conflicts('verbose'),
    )
    .option('-v, --verbose', 'Show debug output', false)
    .option('--no-color', 'Do not use colors')
    .helpOption('-h, --help', 'Show help')
    .exitOverride()
    .configureOutput({
      getOutHasColors: () => usesColor(process.stdout, env, color),
      getErrHasColors: () => usesColor(process.stderr, env, color),
    })
    .configureHelp({
      showGlobalOptions: true,
      visibleCommands: ({ commands }) => [...commands],
      visibleGlobalOptions: (command) => (command === root ? [] : globalOptions(root, command)),
      subcommandTerm: (command) => command.name(),
      optionDescription: ({ description, defaultValueDescription: fallback }) =>
        fallback === undefined ? description : `${description} (default: ${fallback})`,
      styleTitle: (title) =>
        styleText('bold', title.replace('Global Options', 'Global options'), { validateStream: false }),
    })
    .addHelpText('after', exitText);
  return root;
}

/** Options of the root that work for a command: init writes sluice.yml where its argument says. */
function globalOptions(root: Command, command: Command): Option[] {
  const without = ['--version', ...(command.name() === 'init' ? ['--config'] : [])];
  return root.options.filter(({ long }) => !without.includes(long ?? ''));
}

const exitText = `
Exit codes:
${exitMeanings.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`).join('\n')}

Run "sluice <command> --help" for the options of a command.`;

/** A command whose mistakes are user errors, as all others, and whose help is never an error. */
export class SluiceCommand extends Command {
  env: Effects['env'] = {};

  override createCommand(name?: string): SluiceCommand {
    const command = new SluiceCommand(name);
    command.env = this.env;
    return command;
  }

  /** For `sluice`, `sluice backup` and `sluice cdn` without a command too: on stdout, exit code 0. */
  override help(): never {
    return super.help();
  }

  override error(message: string): never {
    throw new UserError({
      code: 'usage.argument',
      message: sentence(message),
      hint: `Run \`${pathOf(this)} --help\` for usage.`,
    });
  }

  /** Commands that are added to the result belong together under the name. */
  group(name: string, description: string): SluiceCommand {
    return this.command(name).description(description) as SluiceCommand;
  }

  /** Adds a command whose code is loaded when it is called: --help stays instant. */
  add<O extends object>(spec: string, description: string, load: () => Promise<Execute<O>>): SluiceCommand {
    const added = this.command(spec).description(description) as SluiceCommand;
    if (takesTarget(added)) added.option('--target <name>', 'Target in sluice.yml; same as the argument');
    added.action(async () => {
      const options = added.optsWithGlobals<O & GlobalOptions & { target?: string }>();
      const { config, json, color } = options;
      const code = await run({ ...options, env: this.env }, async (effects) => {
        const [first, argument] = positions(added, options.target);
        const execute = await load();
        const colour = usesColor(process.stdout, this.env, { json, color });
        return await execute({ effects, config, json, colour }, first, { ...options, argument });
      });
      await allWritten();
      // Open sockets of a broken connection must not keep the process alive.
      process.exit(code);
    });
    return added;
  }

  /** An option that may be given several times. */
  repeatable(flags: string, description: string): this {
    const option = new Option(flags, `${description}; repeatable`)
      .argParser((value: string, all: string[]) => [...all, value])
      .default([] as string[]);
    return this.addOption(option);
  }

  /** @param earlier the spelling of earlier versions, which still works. */
  dryRun(description: string, earlier?: string): this {
    this.option('--dry-run', description);
    if (earlier === undefined) return this;
    return this.addOption(new Option(earlier).hideHelp().implies({ dryRun: true }));
  }
}

function takesTarget(command: Command): boolean {
  return command.registeredArguments[0]?.name() === 'target';
}

/**
 * The positional arguments, with the target first wherever it was given.
 *
 * @throws UserError `usage.argument` for two different targets.
 */
function positions(command: Command, target: string | undefined): readonly (string | undefined)[] {
  const [first, second] = command.args;
  if (!takesTarget(command) || target === undefined || first === target) return [first, second];
  if (first === undefined) return [target];
  // `sluice rollback --target production v1.2.3`
  if (command.registeredArguments.length === 2 && second === undefined) return [target, first];
  throw new UserError({
    code: 'usage.argument',
    message: `Two different targets: the argument "${first}" and --target "${target}"`,
    hint: 'Name only one of them.',
  });
}

/** The parser's message as Sluice writes errors: `error: unknown option '--nope'` → `Unknown option "--nope"`. */
function sentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replace(/^option '(\S+ )?(--\S+) (<.*>)' argument missing$/, 'Option $2 needs a value: $2 $3')
    .replace('\n(Did you mean ', '. Did you mean ')
    .replace('?)', '?')
    .replaceAll("'", '"');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}
