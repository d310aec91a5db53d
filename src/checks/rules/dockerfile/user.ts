import { posix } from 'node:path';
import { expand, type Instruction, imageNameOf, type Stage } from '../../../config/dockerfile/parse.ts';
import { inFolder } from '../../repo.ts';
import { chainOf, contextFiles, copied, type ImageBuild, instructionsOf } from '../image/build.ts';
import type { Rule } from '../rule.ts';

/** Images whose server or entrypoint drops root itself, or that set another user. */
const unprivileged = new Set(
  (
    'nginx nginx-unprivileged httpd haproxy caddy-unprivileged varnish openresty angie postgres ' +
    'postgis pgvector timescaledb mysql mariadb mongo redis valkey memcached rabbitmq ' +
    'elasticsearch opensearch prometheus grafana alertmanager node-exporter keycloak loki minio ' +
    'wordpress php-apache jenkins sonarqube squid kong pgbouncer airflow superset metabase'
  ).split(' '),
);

export const rootUser: Rule<ImageBuild> = {
  id: 'dockerfile/root-user',
  severity: 'high',
  level: 'fail',
  title: 'The program does not run as root.',
  why: 'An attacker who compromises a program that runs as root controls the container: its files, its packages, its mounts. From there one kernel vulnerability is enough to control the host.',
  fix: 'Add a user with RUN useradd --system --uid 10001 app, and switch to it with USER 10001 at the end of the Dockerfile.',
  source: {
    name: 'Docker: best practices, USER',
    url: 'https://docs.docker.com/build/building/best-practices/#user',
  },
  example: {
    file: 'Dockerfile',
    bad: 'FROM python:3.13-slim\nCOPY app.py .\nCMD ["python", "app.py"]\n',
    good: `FROM python:3.13-slim
RUN useradd --system --uid 10001 app
COPY app.py .
USER 10001
CMD ["python", "app.py"]
`,
  },
  check: (image) => {
    // `user:` in the compose file counts as well, where every service has it.
    if (image.runsAs.length > 0 && image.runsAs.every((user) => !isRoot(user))) return [];
    return image.targets.flatMap((target) => {
      const last = lastUser(target);
      if (last === undefined ? !startsAsRoot(target, image) : !isRoot(userOf(last))) return [];
      if (dropsItself(target, image)) return [];
      const message =
        last === undefined
          ? 'There is no USER, so the program runs as root.'
          : `The last USER is ${userOf(last)}, so the program runs as root.`;
      return { file: image.path, line: last?.line ?? target.line, message };
    });
  },
};

function lastUser(target: Stage): Instruction | undefined {
  return instructionsOf(target).findLast(({ keyword }) => keyword === 'USER');
}

/** A variable without a value does not count as root. */
function userOf({ text, variables }: Instruction): string {
  return expand(text.trim(), variables) ?? '';
}

function isRoot(user: string): boolean {
  return /^(?:root|0+)(?::|$)/.test(user.trim());
}

function startsAsRoot(target: Stage, image: ImageBuild): boolean {
  const base = chainOf(target)[0];
  if (base?.image === undefined || image.contexts.includes(base.image)) return false;
  const name = imageNameOf(base.image);
  if (/nonroot|unprivileged|rootless/.test(base.image) || unprivileged.has(name)) return false;
  // Images of these two do not run as root by default.
  if (/^(?:cgr\.dev\/chainguard|docker\.io\/bitnami|bitnami|bitnamilegacy)\//.test(base.image)) return false;
  if (name === 'php') return !/(?:fpm|apache)/.test(base.image);
  // Images of Docker's library start as root; nothing is known about others.
  return (
    !base.image.replace(/^(?:docker\.io\/)?(?:library\/)?/, '').includes('/') || /distroless/.test(base.image)
  );
}

const drop = /\b(?:gosu|su-exec|setpriv|runuser|chpst|s6-setuidgid|setuidgid)\b|\bsu\s.{1,300}exec/;

/** Whether the start command drops root with a tool, in the Dockerfile or in a script of the repository. */
function dropsItself(target: Stage, image: ImageBuild): boolean {
  const instructions = instructionsOf(target);
  const start = instructions.filter(({ keyword }) => keyword === 'ENTRYPOINT' || keyword === 'CMD');
  if (start.some(({ text }) => drop.test(text) || /\bgunicorn\b.{0,300}--user[= ]/.test(text))) return true;
  return startScripts(start, instructions, image).some(({ text }) => drop.test(text));
}

/** Scripts of the repository that an image starts with. */
export function startScripts(
  start: readonly Instruction[],
  all: readonly Instruction[],
  image: ImageBuild,
): readonly { readonly path: string; readonly text: string }[] {
  const names = start.flatMap(
    ({ text }) => text.match(/(?<![\w./-])[\w./-]+\.sh\b|(?<![\w./-])[\w./-]*entrypoint[\w.-]*/g) ?? [],
  );
  const wanted = new Set(names.map((name) => posix.basename(name)));
  // A copy may give the script another name.
  const copies = all.filter(({ keyword }) => keyword === 'COPY').map(copied);
  for (const { sources, to } of copies) {
    const [only] = sources;
    if (only !== undefined && sources.length === 1 && wanted.has(posix.basename(to)))
      wanted.add(posix.basename(only));
  }
  return contextFiles(image)
    .filter((file) => wanted.has(posix.basename(file)))
    .map((file) => inFolder(image.context, file))
    .map((path) => ({ path, text: image.repo.read(path) ?? '' }));
}
