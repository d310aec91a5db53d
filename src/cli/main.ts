import { Command, CommanderError, Option } from 'commander';
import { takeEnvironment } from '../kernel/process/environ.ts';
import { allWritten, exitCodes, run } from '../kernel/run.ts';
import { version } from '../kernel/version.ts';
import type { CommandContext } from './context.ts';

// Only commander is loaded here: each command brings its own code when it runs, so that --help is instant.

// What this starts later (tools, tests) finds no secret in the environment of this process.
const { env } = takeEnvironment();

interface CommandModule<O> {
  readonly execute: (context: CommandContext, target: string | undefined, options: O) => Promise<number>;
}

const program = new Command('sluice')
  .description('Deploys Docker Compose apps to your own servers as a transaction.')
  .version(version)
  .option('-c, --config <file>', 'path of sluice.yml (default: found from here upwards)')
  .option('--json', 'print one JSON document on stdout, and log lines as JSON on stderr', false)
  .option('-v, --verbose', 'say more', false)
  .showHelpAfterError('(run with --help for what there is)')
  .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
  .exitOverride();

/** Adds a command whose code is loaded when it is called. */
function command<O extends object>(
  spec: string,
  summary: string,
  load: () => Promise<CommandModule<O>>,
  parent: Command = program,
): Command {
  const added = parent.command(spec).description(summary).exitOverride();
  added.action(async (...args: unknown[]) => {
    const own = args.at(-1) as Command;
    const options = own.optsWithGlobals<O & { json: boolean; verbose: boolean; config?: string }>();
    const [first, second] = own.args;
    const code = await run({ ...options, env }, async (effects) => {
      const { execute } = await load();
      const context = { effects, config: options.config, json: options.json };
      return await execute(context, first, { ...options, argument: second });
    });
    await allWritten();
    // Open sockets of a cut connection must not keep the process alive.
    process.exit(code);
  });
  return added;
}

const watchOption = new Option('--watch <duration>', 'how long to look at the new release, such as 30s');
const imageOption = new Option('--image <service=reference>', 'image of a service; may be repeated')
  .argParser((value: string, all: string[]) => [...all, value])
  .default([] as string[], '');

const replaceOption = () =>
  new Option('--replace <service>', 'replace this keep service in place; may be repeated')
    .argParser((value: string, all: string[]) => [...all, value])
    .default([] as string[], '');

const init = command(
  'init [folder]',
  'look at a repository and write sluice.yml and workflows for it',
  () => import('./commands/init.ts'),
)
  .option('--production <user@host>', 'server to deploy to')
  .option('--staging <user@host>', 'server to try releases on')
  .option('--no-staging', 'there is no such server')
  .option('--own-jobs', 'Write jobs that call the actions, not workflows')
  .addOption(
    new Option('--compose <file>', 'Deploy this compose file; repeat it to add overlays')
      .argParser((value: string, all: string[]) => [...all, value])
      .default([] as string[], ''),
  )
  .addOption(
    new Option('--target <name=user@host>', 'Add a target of another name; may be repeated')
      .argParser((value: string, all: string[]) => [...all, value])
      .default([] as string[], ''),
  )
  .option('--check', 'Run all checks, as the first CI run will (default: those without tools)')
  .option('--no-check', 'Run no checks')
  .option('--print', 'show everything and write nothing', false)
  .addOption(
    new Option('--write <file>', 'change this file although it is there; may be repeated')
      .argParser((value: string, all: string[]) => [...all, value])
      .default([] as string[], ''),
  )
  .option('--force', 'change all files that are there and differ', false);

command(
  'host <user@host>',
  'see whether a server is ready for deploys, and what it lacks',
  () => import('./commands/init-host.ts'),
  init,
);

command(
  'plan [target]',
  'say what a deploy would do, host by host, and do nothing',
  () => import('./commands/plan.ts'),
)
  .option('--release <name>', 'name of the release (default: the git tag or commit)')
  .addOption(imageOption)
  .option('--images <file>', 'JSON file: service → image reference')
  .addOption(replaceOption());

command(
  'config [target]',
  'Show the resolved model of a target, without a server',
  () => import('./commands/config.ts'),
);

const checkNames = new Option('--only <check>', 'run this check alone; may be repeated')
  .argParser((value: string, all: string[]) => [...all, value])
  .default([] as string[], '');

command(
  'check [lint|test|scan]',
  'lint, test and scan the repository, with one verdict',
  () => import('./commands/check.ts'),
)
  .option('--plan', 'say what would run and why, and run nothing', false)
  .addOption(checkNames)
  .option('--since <ref>', 'what the change is compared with (default: the default branch)')
  .option('--accept <reason>', 'put what is found into the baseline, for this reason')
  .option('--until <date>', 'last day on which --accept holds, such as 2027-01-31')
  .option('--prune', 'take out of the baseline what is found no more', false)
  .option('--output <folder>', 'write SARIF, JUnit and JSON there');

command(
  'build [target]',
  'build, or find, the images of all services and push them',
  () => import('./commands/build.ts'),
)
  .option('--print', 'say what would be built, skipped and pushed, and do nothing', false)
  .option('--images <file>', 'write service → image by digest, for sluice deploy --images')
  .addOption(
    new Option('--tag <name>', 'tag of the images instead of those of the git ref; may be repeated')
      .argParser((value: string, all: string[]) => [...all, value])
      .default([] as string[], ''),
  )
  .option('--no-push', 'build and smoke, and push nothing')
  .option('--force', 'build also what the registry has', false);

command('deploy [target]', 'deploy a release, or change nothing', () => import('./commands/deploy.ts'))
  .option('--release <name>', 'name of the release (default: the git tag or commit)')
  .addOption(imageOption)
  .option('--images <file>', 'JSON file: service → image reference')
  .addOption(watchOption)
  .option('--no-backup', 'make no backup of the database first')
  .option('--no-migrate', 'run no migration')
  .option('--no-preflight', 'do not check memory, disk and connections first')
  .option('--force', 'deploy also when nothing has changed', false)
  .option('--wait', 'wait until the old release has ended; else its server does', false)
  .addOption(replaceOption())
  .option('--replace-edges', 'give edges the configured HAProxy image now; costs their connections', false);

command(
  'rollback [target] [release]',
  'go back to an earlier release, in seconds',
  () => import('./commands/rollback.ts'),
)
  .addOption(watchOption)
  .option('--wait', 'wait until the old release has ended; else its server does', false);

command('status [target]', 'what serves now, asked of the edges', () => import('./commands/status.ts'));

command('history [target]', 'the last deploys', () => import('./commands/history.ts')).option(
  '-n, --count <number>',
  'how many',
  '10',
);

const backup = program.command('backup').description('database backups: make, list, verify').exitOverride();
command(
  'make [target]',
  'make a backup and prove it by a restore',
  () => import('./commands/backup/make.ts'),
  backup,
);
command('list [target]', 'list backups with their proof', () => import('./commands/backup/list.ts'), backup);
command(
  'verify [target] [backup]',
  'restore a backup into a throw-away database and compare',
  () => import('./commands/backup/verify.ts'),
  backup,
);

command(
  'restore [target] [backup]',
  'put a backup in the place of the database',
  () => import('./commands/backup/restore.ts'),
)
  .option('--yes', 'do not ask for the name to be typed', false)
  .option('--create-roles', 'create missing roles, without login', false);

const cdn = program
  .command('cdn')
  .description('a front end behind a CDN: plan, publish, rollback, status, verify')
  .exitOverride();
const siteOption = () => new Option('--target <name>', 'the target, in place of the argument');

/** What is published: the same for a plan and for the deed. */
const withRelease = (added: Command) =>
  added
    .addOption(siteOption())
    .option('--name <name>', 'name of the release (default: the git tag or commit)')
    .option('--dist <folder>', 'folder to publish (default: cdn.dist of sluice.yml)')
    .option(
      '--allow-removals',
      'publish also when more of the site leaves than cdn.max-removed allows',
      false,
    );

withRelease(
  command(
    'plan [target]',
    'say what a publication would do, and do nothing',
    () => import('./commands/cdn/plan.ts'),
    cdn,
  ),
);
withRelease(
  command(
    'publish [target]',
    'publish the folder as a release: what changed, in an order that breaks nothing',
    () => import('./commands/cdn/publish.ts'),
    cdn,
  ),
)
  .option('--no-verify', 'do not look at the published site')
  .option('--repair', 'list the store, and put right what somebody else has deleted or overwritten', false);
command(
  'rollback [target]',
  'bring an earlier release back, without a build',
  () => import('./commands/cdn/rollback.ts'),
  cdn,
)
  .addOption(siteOption())
  .option('--to <release>', 'number or name of the release (default: the one before the current)')
  .option('--plan', 'say what it would do, and do nothing', false)
  .option('--no-verify', 'do not look at the site afterwards');
command(
  'status [target]',
  'what is published, who published what when, and what is kept',
  () => import('./commands/cdn/status.ts'),
  cdn,
)
  .addOption(siteOption())
  .option('--audit', 'hold every object of the store against the release', false);
command(
  'verify [target]',
  'look at the published site as visitors see it',
  () => import('./commands/cdn/verify.ts'),
  cdn,
).addOption(siteOption());

command(
  'doctor [target]',
  'is the host ready, are the settings sound?',
  () => import('./commands/doctor.ts'),
).option('--release <name>', 'name of the release (default: the git tag or commit)');

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  const isHelp =
    error.code === 'commander.helpDisplayed' ||
    error.code === 'commander.version' ||
    error.code === 'commander.help';
  process.exitCode = isHelp ? exitCodes.ok : exitCodes.usage;
}
