import { Option } from 'commander';
import type { SluiceCommand } from './program.ts';

/**
 * All commands, in the order and the groups of `sluice --help`.
 *
 * To add a command: write its code in a file of commands/ (an `Execute` of program.ts), and its entry here. Help, the
 * shell completion and --target follow from the entry; scripts/cli-page.ts has the text of its section in docs/cli.md.
 */
export function addCommands(sluice: SluiceCommand): void {
  setUp(sluice);
  checkAndBuild(sluice);
  deploy(sluice);
  cdn(sluice);
  operate(sluice);
}

const releaseText = 'Release name (default: the Git tag or commit)';

function setUp(sluice: SluiceCommand): void {
  sluice.commandsGroup('Set up:');
  sluice
    .add('init [folder]', 'Write sluice.yml and workflows for a repository', async () => {
      return (await import('./commands/init.ts')).execute;
    })
    .option('--production <user@host>', 'Server for production')
    .option('--staging <user@host>', 'Server for staging')
    .option('--no-staging', 'Do not configure a staging target')
    .option('--own-jobs', 'Write jobs that call the actions, not workflows')
    .repeatable('--compose <file>', 'Compose file to deploy, or an overlay')
    .repeatable('--target <name=user@host>', 'Additional target')
    .option('--check', 'Run all checks (default: only those that need no tools)')
    .option('--no-check', 'Do not run checks')
    .dryRun('Show all files without writing them', '--print')
    .repeatable('--write <file>', 'Overwrite this existing file')
    .option('--force', 'Overwrite all existing files that differ', false)
    .add('host <user@host>', 'Check a server and prepare it for deploys', async () => {
      return (await import('./commands/init-host.ts')).execute;
    });
  sluice.add('config [target]', 'Show the resolved configuration of a target', async () => {
    return (await import('./commands/config.ts')).execute;
  });
  sluice.add('completion <bash|zsh|fish>', 'Print a shell completion script', async () => {
    return (await import('./completion.ts')).execute;
  });
}

function checkAndBuild(sluice: SluiceCommand): void {
  sluice.commandsGroup('Check and build:');
  sluice
    .add('check [lint|test|scan]', 'Lint, test and scan the repository', async () => {
      return (await import('./commands/check.ts')).execute;
    })
    .dryRun('List the checks and why each runs, without running them', '--plan')
    .repeatable('--only <check>', 'Run only this check')
    .option('--since <ref>', 'Git ref to compare with (default: the default branch)')
    .option('--accept <reason>', 'Add the findings to the baseline, with this reason')
    .option('--until <date>', 'Last day on which --accept applies, such as 2027-01-31')
    .option('--prune', 'Remove baseline entries that no longer match', false)
    .option('--output <folder>', 'Write SARIF, JUnit and JSON reports to this folder');
  sluice
    .add('build [target]', 'Build and push images, reusing unchanged ones', async () => {
      return (await import('./commands/build.ts')).execute;
    })
    .dryRun('Show what would be built, reused and pushed', '--print')
    .option('--images <file>', 'Write service → image digest, for sluice deploy --images')
    .repeatable('--tag <name>', 'Image tag, instead of those of the Git ref')
    .option('--no-push', 'Build and run smoke tests, without pushing')
    .option('--force', 'Build even if the registry has the image', false);
}

function deploy(sluice: SluiceCommand): void {
  sluice.commandsGroup('Deploy:');
  sluice
    .add('plan [target]', 'Show what a deploy would change', async () => {
      return (await import('./commands/plan.ts')).execute;
    })
    .option('--release <name>', releaseText)
    .repeatable('--image <service=reference>', 'Image of a service')
    .option('--images <file>', 'JSON file of service → image reference')
    .repeatable('--replace <service>', 'Replace this "keep" service in place');
  sluice
    .add('deploy [target]', 'Deploy a release; revert automatically on failure', async () => {
      return (await import('./commands/deploy.ts')).execute;
    })
    .dryRun('Show the plan without deploying, as sluice plan does')
    .option('--release <name>', releaseText)
    .repeatable('--image <service=reference>', 'Image of a service')
    .option('--images <file>', 'JSON file of service → image reference')
    .option('--watch <duration>', 'How long to watch the new release, such as 30s')
    .option('--no-backup', 'Skip the database backup')
    .option('--no-migrate', 'Skip the migration')
    .option('--no-preflight', 'Skip the checks of memory, disk and connections')
    .option('--force', 'Deploy even if nothing has changed', false)
    .option('--wait', 'Wait until the old release has stopped (default: its server stops it)', false)
    .repeatable('--replace <service>', 'Replace this "keep" service in place')
    .option(
      '--replace-edges',
      'Replace the HAProxy image of the edges now; breaks their open connections',
      false,
    );
  sluice
    .add('rollback [target] [release]', 'Roll back to an earlier release in seconds', async () => {
      return (await import('./commands/deploy.ts')).rollback;
    })
    .option('--watch <duration>', 'How long to watch the release, such as 30s')
    .option('--wait', 'Wait until the old release has stopped (default: its server stops it)', false);
}

function cdn(sluice: SluiceCommand): void {
  const group = sluice.group('cdn', 'Publish a front end to object storage and a CDN');
  const withRelease = (added: SluiceCommand) =>
    added
      .option('--name <name>', releaseText)
      .option('--dist <folder>', 'Folder to publish (default: cdn.dist in sluice.yml)')
      .option('--allow-removals', 'Publish even if cdn.max-removed is exceeded', false);
  withRelease(
    group.add('plan [target]', 'Show what a publication would change', async () => {
      return (await import('./commands/cdn.ts')).plan;
    }),
  );
  withRelease(
    group.add('publish [target]', 'Publish the folder as a release', async () => {
      return (await import('./commands/cdn.ts')).publish;
    }),
  )
    .dryRun('Show the plan without publishing, as sluice cdn plan does')
    .option('--no-verify', 'Do not check the published site')
    .option('--repair', 'Restore files in the store that were deleted or overwritten', false);
  group
    .add('rollback [target]', 'Bring back an earlier release without a build', async () => {
      return (await import('./commands/cdn.ts')).rollback;
    })
    .option('--to <release>', 'Number or name of the release (default: the previous one)')
    .dryRun('Show the plan without publishing', '--plan')
    .option('--no-verify', 'Do not check the published site');
  group
    .add('status [target]', 'Show what is published and which releases are kept', async () => {
      return (await import('./commands/cdn.ts')).status;
    })
    .option('--audit', 'Compare every object in the store with the release', false);
  group.add('verify [target]', 'Check the published site as visitors see it', async () => {
    return (await import('./commands/cdn.ts')).verify;
  });
}

function operate(sluice: SluiceCommand): void {
  sluice.commandsGroup('Operate:');
  sluice.add('status [target]', 'Show the release that is serving', async () => {
    return (await import('./commands/status.ts')).execute;
  });
  sluice
    .add('history [target]', 'Show recent deploys and rollbacks', async () => {
      return (await import('./commands/history.ts')).execute;
    })
    .addOption(new Option('-n, --count <number>', 'Number of deploys').default('10', '10'));
  sluice
    .add('doctor [target]', 'Check whether the servers are ready for a deploy', async () => {
      return (await import('./commands/doctor.ts')).execute;
    })
    // Has no effect, and is still accepted.
    .addOption(new Option('--release <name>').hideHelp());
  const backup = sluice.group('backup', 'Make, list and verify database backups');
  backup.add('make [target]', 'Make a backup and prove it with a test restore', async () => {
    return (await import('./commands/backup.ts')).make;
  });
  backup.add('list [target]', 'List backups and whether each is proven', async () => {
    return (await import('./commands/backup.ts')).list;
  });
  backup.add('verify [target] [backup]', 'Prove a backup with a test restore', async () => {
    return (await import('./commands/backup.ts')).verify;
  });
  sluice
    .add('restore [target] [backup]', 'Replace the database with a backup', async () => {
      return (await import('./commands/restore.ts')).execute;
    })
    .option('--yes', 'Skip the confirmation prompt', false)
    .option('--create-roles', 'Create missing roles, without login', false);
}
