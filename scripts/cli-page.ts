import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { exitMeanings } from '../src/kernel/run.ts';

const sluice = resolve(import.meta.dirname, '../bin/sluice');

/** The text of each command in docs/cli.md: what its own help has no room for. `text` may have several paragraphs. */
const commands: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'init',
    text: `Reads a repository and writes sluice.yml, the workflows that call Sluice's, and missing lines of .env.example. It asks
no questions; each guess in sluice.yml names its source. An existing file that differs is shown as a diff and kept:
\`--write FILE\` overwrites that file, \`--force\` all. A second run changes nothing. The output ends with the next steps as
lines to copy: keys, host keys, secrets, first release. [init.md](init.md) has the details. \`--dry-run\` was called
\`--print\`, which still works.`,
  },
  {
    name: 'init host',
    text: `Logs in to a server, runs the checks of \`doctor\`, and creates the folder for all apps if the user may. An unknown host key
ends the command, with the fingerprint and how to pin it. Steps that need root are printed as commands, never run. It needs
no sluice.yml; if one names the server, its pinned key, jump host and folder are used. The exit code is 0 if the server is
ready, otherwise 1.`,
  },
  {
    name: 'config',
    text: `Shows how Sluice reads sluice.yml and the compose files for a target. For each service: strategy and reason, image, names,
ports and mounts. For the target: the contents of a release, migration, backup, and variables by name with their source,
never with a value. It connects to no server and needs no Docker engine. A source that cannot be read here, such as
\`host-env-file\`, is named; values that depend on it are shown as not known. If a deploy refuses the model, the
reasons are shown and the exit code is 2.`,
  },
  {
    name: 'completion',
    text: `Prints a script that completes commands, options, target names from sluice.yml, and file names. Load it once:

\`\`\`sh
source <(sluice completion bash)                                          # bash: in ~/.bashrc
source <(sluice completion zsh)                                           # zsh: in ~/.zshrc, after compinit
sluice completion fish > ~/.config/fish/completions/sluice.fish           # fish
\`\`\``,
  },
  {
    name: 'check',
    text: `Runs the linters, tests and scans that fit the repository and gives one verdict; [checks.md](checks.md) has them all. The
exit code is 0 for a pass and 1 for findings. It is 3 if all findings only need a review, and 4 if a check did not run.
\`--dry-run\` was called \`--plan\`, which still works.`,
  },
  {
    name: 'build',
    text: `Builds the images of all services with a \`build:\` section in one \`docker buildx bake\`, and pushes them. If the registry has
an image of the same tree, Sluice does not build it: the image gets the new tags, without a pull. All images of the set are
pushed before the first tag is set, so the tags of a release name all of them or none.

The compose files see the variables of the target; without a target, those of the environment. \`--images FILE\` writes the
input of \`sluice deploy --images\`. [build.md](build.md) has tags, caches, logins and smoke tests. \`--dry-run\` was called
\`--print\`, which still works.`,
  },
  {
    name: 'plan',
    text: `Shows the steps of \`deploy\`, host by host, with their reasons. For each service: strategy, image, new edges. For the host:
names of added and removed variables (never values), and images to pull. \`deploy\` executes exactly this plan; \`deploy --dry-run\` shows the same.
It first checks everything on this machine: configuration, compose files, mounts, ports, variables. Then it connects to the
hosts and reads their state. It changes nothing.`,
  },
  {
    name: 'deploy',
    text: `Deploys one release to all hosts of a target as a transaction: [deploy.md](deploy.md) has every step. The name of the release
is \`--release\`, else the tag of the CI run, else the output of \`git describe --tags --always --dirty\`. A name always means
the same content: with other images, files or variables the name becomes \`NAME-2\`.

The images come from the compose files, \`--image\` and \`--images\`; each is pinned to its digest first. If the hosts already
serve exactly this, nothing is changed and the exit code is 0.

The first line of the result names the serving release. The report is \`.sluice/reports/<deploy>.html\` and \`.json\` beside
sluice.yml; in GitHub Actions also the job summary. With \`notify.slack\`, Sluice notifies the channel.`,
  },
  {
    name: 'rollback',
    text: `Rolls back to a release that the hosts keep; without a name, to the previous confirmed one. It needs no build, no upload and
no registry. If the old containers still exist (see \`previous\` and \`keep\` in [config.md](config.md)), it starts them and
switches. The guard is armed as in a deploy; the watch takes 2 s unless \`--watch\` sets another time. Migrations and backups
do not run: the database stays unchanged. An unknown name is an error that lists the kept releases.`,
  },
  {
    name: 'cdn plan',
    text: `Shows what \`cdn publish\` does with each path: uploads, the number of requests, paths to invalidate and their cost. It
reads the folder and the manifest in the store, and changes nothing. [cdn.md](cdn.md) explains the order of a publication.`,
  },
  {
    name: 'cdn publish',
    text: `Publishes the folder \`cdn.dist\` as a release. Only changes are uploaded: new assets first, then pages, the root page last.
Removed files stay for the grace period, so open tabs keep working. The first line of the result shows what visitors get;
the last one is the command that rolls back. If the site already equals the folder, nothing is changed and the exit code
is 0. If the published site does not match the release, it is 1. \`--dry-run\` shows the plan, as \`cdn plan\` does.

Ctrl-C stops the publication after the requests in flight and shows what visitors get: no page ever names a missing file.
The next publication needs no cleanup first.`,
  },
  {
    name: 'cdn rollback',
    text: `Brings back an earlier release from the files that the store keeps: no build, no upload. The default is the previous release;
\`sluice cdn status\` lists the others. A rollback is a new release, so \`--to\` can also go forward again. \`--dry-run\` was
called \`--plan\`, which still works.`,
  },
  {
    name: 'cdn status',
    text: `Shows the live release, the history with author and commit, the kept releases, running publications, and interrupted ones.
\`--audit\` lists the store: missing files, overwritten files, and the number of files that are not Sluice's. The exit code is
1 if something needs to be fixed.`,
  },
  {
    name: 'cdn verify',
    text: `Checks the site through its public URL (\`cdn.url\`), as \`publish\` does at its end. It checks status, content and cache headers
of the pages and of every asset they name, security headers, the page for unknown paths, and times. The exit code is 1 if a
check fails.`,
  },
  {
    name: 'status',
    text: `Reads the edges and the engine, not a file. The first line names the serving release. Then each host shows its services with
release, color and traffic, problems, and the releases kept for a rollback. The exit code is 1 if there is a problem.
Problems are hosts that serve different releases, an armed switch, an edge that does not answer, and an unfinished deploy.`,
  },
  {
    name: 'history',
    text: 'Shows recent deploys and rollbacks from the journals on the hosts, newest first: time, release, result, duration, author.',
  },
  {
    name: 'doctor',
    text: `Runs the preflight checks of a deploy on each host and prints all results. They cover Docker and Compose, free disk, memory
and database connections for both colors, and variables that are placeholders or too short. The exit code is 1 if there is an error.`,
  },
  {
    name: 'backup make',
    text: `Dumps the Postgres service of \`backup.postgres\` on its host and restores the dump into a temporary container of the same
image. Then it compares tables, row counts and rights. \`backup.keep\` limits the number of proven backups.`,
  },
  {
    name: 'backup list',
    text: 'Lists the backups on the host, newest first, each with its size, server version and proof.',
  },
  {
    name: 'backup verify',
    text: `Checks the SHA-256 of a backup (default: the newest), restores it into a temporary database again, and compares tables, row
counts and rights.`,
  },
  {
    name: 'restore',
    text: `Needs the name of a backup (\`sluice backup list\`). Sluice restores it beside the live database, and swaps the two names once
the restore is complete. This cuts all connections to the database. The previous database is kept under another name, which
is printed. Owners, grants and settings are restored too. If the server lacks a role, the restore names it and stops;
\`--create-roles\` creates it without login.

The command asks for the name of the backup; \`--yes\` skips that and is required without a terminal. It holds the lease, so
no deploy can run meanwhile. [deploy.md](deploy.md#backups-and-restore) explains when to use it.`,
  },
];

/** docs/cli.md. */
export function cliPage(): string {
  return [
    '<!-- Generated by scripts/generate.ts from the commands’ own help and scripts/cli-page.ts: change it there. -->',
    '# The command line',
    '',
    block(help()),
    ...preamble,
    ...commands.flatMap(({ name, text }) => [
      '',
      `## sluice ${name}`,
      '',
      text,
      '',
      block(help(...name.split(' '))),
    ]),
    '',
  ].join('\n');
}

const preamble = [
  '',
  '- **Target**: the argument or `--target`. It is optional if sluice.yml has only one.',
  '- **Output**: the result on stdout, everything else on stderr. A terminal shows the running step live; elsewhere each',
  '  line starts with the time, except lines to copy. `--quiet` shows only the result, warnings and errors.',
  '- **Colors**: only on a terminal. `--no-color` and `NO_COLOR` turn them off, `FORCE_COLOR=1` turns them on.',
  '- **`--dry-run`**: `init`, `check`, `build`, `deploy`, `cdn publish` and `cdn rollback` show their plan and change',
  '  nothing.',
  '- **`--json`**: stdout is one JSON document with `ok`. For an error, wrong options included, it is',
  '  `{"ok":false,"errors":[{"code","message","hint",…}]}`. stderr has one JSON record per line.',
  '- **Ctrl-C and SIGTERM** cancel: Sluice reverts its changes, then the run ends. A publication stops where it is and shows',
  '  what visitors get.',
  '- **Secrets** come from the environment, by name, and are [masked](security.md#secrets) in all output, also in GitHub’s log.',
  '- **Completion**: [`sluice completion`](#sluice-completion) for bash, zsh and fish.',
  '',
  '| exit code | meaning |',
  '|---|---|',
  ...exitMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`),
  '',
  '[errors.md](errors.md) has every error code.',
  '',
  '| variable | purpose |',
  '|---|---|',
  '| `SLUICE_SSH_KEY` | text of the private key for the login; no other key is tried |',
  '| `SLUICE_SSH_KEY_FILE` | the same, as a path |',
  '| `SLUICE_SSH_PASSPHRASE` | passphrase of that key |',
  '| `SSH_AUTH_SOCK` | ssh-agent; if no key is named, its keys are tried first, then the usual files in `~/.ssh` |',
  '| `SLUICE_KNOWN_HOSTS` | text of a known_hosts file, instead of `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`; a `host-key` in sluice.yml takes precedence |',
  '| `SLUICE_REGISTRY_USER`, `SLUICE_REGISTRY_PASSWORD` | login at the registry of the app’s images: that of `registry:`, else the common one of all images that are built; without them, the `docker login` of the host is used |',
  '| `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | `cdn`: login at the store and at CloudFront; a job on GitHub can use `cdn.role` instead |',
  '| `CLOUDFLARE_API_TOKEN` | `cdn`: token for invalidations at Cloudflare |',
];

function help(...path: readonly string[]): string {
  const env = { PATH: process.env.PATH, NO_COLOR: '1' };
  return execFileSync(process.execPath, [sluice, ...path, '--help'], { encoding: 'utf8', env });
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}
