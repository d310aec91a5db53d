import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const sluice = resolve(import.meta.dirname, '../bin/sluice');

/** One section a command: what its own help cannot say. `text` may hold several paragraphs. */
const commands: readonly { readonly name: string; readonly text: string }[] = [
  {
    name: 'init',
    text: `Looks at a repository and writes sluice.yml, the workflows that call Sluice's, and what is missing in .env.example.
It asks nothing that it can find out, and each guess in sluice.yml says where it comes from. A file that is there and
differs is shown as a diff and left; \`--write FILE\` changes that one, \`--force\` all. A second run changes nothing. It ends
with what to do next: keys, host keys, secrets, first release, as lines to copy. [init.md](init.md) has more.`,
  },
  {
    name: 'init host',
    text: `Logs in to a server (its host key must be known: an unknown one ends it, with the fingerprint and how to pin it), looks at
it as \`doctor\` does, and makes the folder of all apps where the user may. What takes root is printed as commands and
never done. It needs no sluice.yml; one that names the server gives its pinned key, jump host and folder. The exit code
is 0 when the server is ready and 1 when it is not.`,
  },
  {
    name: 'plan',
    text: `Prints, host by host, what \`deploy\` would do and why: strategy and image of each service, edges that are made,
names of variables added and removed (never values), images to pull. It is the very plan that \`deploy\` executes. It
checks everything on this machine first (configuration, compose files, mounts, ports, variables), then connects to the
hosts and reads what runs there. It changes nothing.`,
  },
  {
    name: 'config',
    text: `Prints what Sluice makes of sluice.yml and the compose files for a target: each service with its strategy and the
reason, its image, names, ports and mounts, what a release carries and what it leaves out, migration, backup, and the
variables by name with their source (never a value). It connects to no server and needs no Docker engine. A source that
cannot be read here, such as \`host-env-file\`, is named; what depends on it is shown as not known. If a deploy would
refuse the model, every reason is shown and the exit code is 2.`,
  },
  {
    name: 'build',
    text: `Builds the images of all services that have a \`build:\` section, in one \`docker buildx bake\`, and pushes them. An image
that the registry has for this very tree is not built: it gets the new tags, without a pull and without a build. All
images of the set are pushed before the first tag is put, so a release's tags show all of them or none.

The compose files see the variables of the target, or, without one, of the environment. \`--images FILE\` writes what
\`sluice deploy --images\` takes. [build.md](build.md) has tags, caches, logins and smoke tests.`,
  },
  {
    name: 'deploy',
    text: `Deploys one release to all hosts of a target as a transaction: [deploy.md](deploy.md) has every step. The release is
named by \`--release\`, else by the tag the CI run is for, else by \`git describe --tags --always --dirty\`. A name belongs
to one content for ever: the same name with other images, files or variables becomes \`NAME-2\`.

The images are those of the compose files, or what \`--image\` and \`--images\` say; each is pinned to its digest first.
When the hosts serve exactly this already, nothing is changed and the exit code is 0.

It ends with what serves now, on the first line, and writes \`.sluice/reports/<deploy>.html\` and \`.json\` beside
sluice.yml; in GitHub Actions the job summary too. With \`notify.slack\` it tells the channel.`,
  },
  {
    name: 'rollback',
    text: `Goes back to a release that the hosts keep: without a name to the one confirmed before the current. No build, no
upload, no registry; where the old containers still are (see \`previous\` and \`keep\` in [config.md](config.md)) it is a
start and a switch. The guard is armed as in a deploy, watched for 2 s unless \`--watch\` says longer. Neither migrations
nor backups run: the database stays as it is. A wrong name lists the releases there are.`,
  },
  {
    name: 'status',
    text: `Asks the edges and the engine, not a file. The first line says what serves; then, for each host, each service with its
release, colour and traffic, what is wrong, and the releases kept for a rollback. The exit code is 1 when something is
wrong: hosts that serve different releases, an armed switch, an edge that does not answer, a deploy that did not end.`,
  },
  {
    name: 'history',
    text: 'The last deploys and rollbacks from the journals on the hosts, newest first: when, what, how it ended, how long, who.',
  },
  {
    name: 'backup make',
    text: `Dumps the Postgres service named by \`backup.postgres\` on its host, restores the dump into a throw-away container of
the same image and compares tables, row counts and rights. \`backup.keep\` limits how many proven ones stay.`,
  },
  {
    name: 'backup list',
    text: 'Backups on the host, newest first, each with its size, server version and proof.',
  },
  {
    name: 'backup verify',
    text: 'Checks the SHA-256 of a backup (default: the newest), restores it into a throw-away database again, and compares tables, row counts and rights.',
  },
  {
    name: 'restore',
    text: `Needs the name of a backup (\`sluice backup list\`). Restores it beside the live database and lets the two change names once it is complete. Connections to the
database are cut at that moment; what was live is kept under another name, which is printed. Owners, grants and settings come back; if the server lacks a role, the
restore names it and does nothing, or creates it without login with \`--create-roles\`. It asks for the backup's
name to be typed; \`--yes\` does without, and is needed where nobody can type. It holds the lease, so no deploy runs
meanwhile. [deploy.md](deploy.md#backups-and-restore) says when to use it.`,
  },
  {
    name: 'cdn plan',
    text: `Says what \`cdn publish\` would do with each path, what it sends, how many requests that takes, which paths the CDN is
to forget and what that costs. It reads the folder and the manifest in the store, and changes nothing. [cdn.md](cdn.md) has
the order of a publication and why it breaks nothing.`,
  },
  {
    name: 'cdn publish',
    text: `Publishes the folder \`cdn.dist\` as a release. Only what changed is sent; new assets come first, pages after them, the root
page last; what leaves the site stays for the grace period, so that open tabs go on working. It ends with what visitors get
now, on the first line, and with the command that goes back. When the site is as the folder already, nothing is changed and
the exit code is 0; when the published site is not what was published, it is 1.

Ctrl-C stops it after the requests that are on their way, and says what visitors get now: pages never name files that are
not there. The next publication needs no cleaning up before it.`,
  },
  {
    name: 'cdn rollback',
    text: `Brings an earlier release back from what the store keeps: no build, no upload. Without \`--to\` it is the one before the
current; \`sluice cdn status\` lists them. It is a release of its own, so \`--to\` goes forward again, too.`,
  },
  {
    name: 'cdn status',
    text: `What is live, who published what when from which commit, what a rollback can bring back, who is publishing now, and whether
a publication was cut off. \`--audit\` lists the store: files that are missing, that somebody else has overwritten, and how
many are not Sluice's. The exit code is 1 when there is something to do.`,
  },
  {
    name: 'cdn verify',
    text: `Looks at the site through its public URL (\`cdn.url\`), as \`publish\` does at its end: status, content and cache headers of pages and
of every asset they name, security headers, the page for unknown paths, times. The exit code is 1 when something is wrong.`,
  },
  {
    name: 'doctor',
    text: `Looks at each host as a deploy's preflight does and prints everything, good and bad: Docker and Compose, free disk,
memory for both colours, database connections for both colours, variables that are placeholders or too short. The exit
code is 1 when there is an error.`,
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
  '- **Target**: may be left out when sluice.yml has only one.',
  '- **Result on stdout, everything else on stderr.** On a terminal the step that runs is shown live; elsewhere each line',
  '  has its time. `NO_COLOR` and `TERM=dumb` do what they always do.',
  '- **`--json`**: stdout is one JSON document with `ok`; on an error `{"ok":false,"errors":[{"code","message","hint",…}]}`.',
  '  stderr has one JSON record a line. Wrong options are told in plain text.',
  '- **Exit codes**: 0 done, 1 failed (a deploy has been undone), 2 wrong arguments or configuration, 70 a bug of Sluice,',
  '  130 cancelled. [errors.md](errors.md) has every error code.',
  '- **Ctrl-C and SIGTERM** cancel: what was begun is undone, then the run ends. A publication stops where it is and says',
  '  what visitors get.',
  '- **Secrets** come from the environment, by name, and are [masked](security.md#secrets) in all output, in GitHub’s log too.',
  '',
  '| variable | what for |',
  '|---|---|',
  '| `SLUICE_SSH_KEY` | private key to log in with, its text; the only one that is tried |',
  '| `SLUICE_SSH_KEY_FILE` | the same, as a path |',
  '| `SLUICE_SSH_PASSPHRASE` | passphrase of that key |',
  '| `SSH_AUTH_SOCK` | ssh-agent; when no key is named, its keys are tried first, then the usual files in `~/.ssh` |',
  '| `SLUICE_KNOWN_HOSTS` | text of a known_hosts file, in place of `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`; a `host-key` in sluice.yml goes before both |',
  '| `SLUICE_REGISTRY_USER`, `SLUICE_REGISTRY_PASSWORD` | login at the one registry of the app’s images: that of `registry:`, else where all images that are built are; without them the `docker login` of the host counts |',
  '| `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | `cdn`: login at the store, and at CloudFront; a job on GitHub takes `cdn.role` instead |',
  '| `CLOUDFLARE_API_TOKEN` | `cdn`: tells Cloudflare what has changed |',
];

function help(...path: readonly string[]): string {
  const env = { PATH: process.env.PATH, NO_COLOR: '1' };
  return execFileSync(process.execPath, [sluice, ...path, '--help'], { encoding: 'utf8', env });
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\``;
}
