import type { Strategy } from '../model.ts';

/** The chapter on strategies of docs/config.md. A test infers the strategy of each example, so that it stays true. */

export interface StrategyExample {
  readonly strategy: Strategy;
  /** How a deploy treats such a service. */
  readonly deploy: string;
  /** How Sluice recognizes one; each item follows "Sluice recognizes it by". */
  readonly by: readonly string[];
  /** Compose files; every service named like the strategy, or with it as its prefix, has it. */
  readonly compose: string;
}

export const strategyExamples: readonly StrategyExample[] = [
  {
    strategy: 'job',
    deploy:
      'It runs to completion in every deploy, before the new containers start. A job that needs one of them (`depends_on`) runs when they are healthy, before any traffic moves. If it fails, the deploy fails and the old release stays.',
    by: [
      'another service that waits for it with `service_completed_successfully`',
      'a program that exits (a migration, `mc mb`, `chown`, `manage.py loaddata`) or a name such as `setup`, `seed` or `init`, if nothing restarts it',
      '`restart: "no"` on a service that no other service calls',
    ],
    compose: `services:
  job-bucket:
    image: minio/mc:RELEASE.2025-08-13T08-35-41Z
    entrypoint: ["/bin/sh", "-c", "mc alias set s3 http://s3:9000 $$USER $$KEY && mc mb --ignore-existing s3/media"]
  job-import:
    image: ghcr.io/acme/shop/tools:1.4
    restart: "no"`,
  },
  {
    strategy: 'keep',
    deploy:
      'It is created if it does not run, and never touched after that. If its definition changes, the plan shows the difference and the command to apply it. `sluice deploy TARGET --replace NAME` stops it and starts it again in place, after the backup.',
    by: [
      'its image: Postgres and its derivatives, MySQL, Redis, RabbitMQ, MinIO, Elasticsearch and others',
      'the image that it is built FROM',
      'a volume where only such a server stores its files (`/var/lib/postgresql`)',
    ],
    compose: `services:
  keep-db:
    image: pgvector/pgvector:pg17
    volumes: [pg:/var/lib/postgresql/data]
  keep-cache:
    image: valkey/valkey:8`,
  },
  {
    strategy: 'recreate',
    deploy:
      'It stays untouched while its image and definition are the same. If one of them changes, it stops and starts again in place, under its own name. The plan warns about this short interruption. If the new container does not become healthy, the old one is restored.',
    by: [
      'a volume or a folder of the server that it writes to',
      'a `VOLUME` that its image declares and the compose file does not mount',
      'an image that is not the app’s own, beside services that are',
      'a reverse proxy that publishes port 80 or 443',
      'a UDP or SCTP port',
      'the network of the host or of another container',
      'a fixed address (IP or MAC) without a port, unless it is a worker',
    ],
    compose: `services:
  web:
    build: .
    expose: ["3000"]
  recreate-cms:
    image: ghcr.io/acme/cms:2.1
    ports: ["8080:8080"]
    volumes: [uploads:/var/uploads]
  recreate-pdf:
    image: gotenberg/gotenberg:8`,
  },
  {
    strategy: 'singleton',
    deploy: 'Two never run at once: after the confirmation the old one stops, then the new one starts.',
    by: [
      'a scheduler in its command (`celery beat`, cron, `schedule:work`)',
      'a name such as `beat` or `cron` without a port',
      'another program in the image of a service, if no service calls it and no word such as worker or queue marks it',
    ],
    compose: `services:
  web:
    build: .
    expose: ["3000"]
  singleton-beat:
    build: .
    command: celery -A shop beat
  singleton-bot:
    build: .
    command: node bot.js`,
  },
  {
    strategy: 'workers',
    deploy:
      'New ones start beside the old ones, which get `stop_grace_period` to finish their tasks. Both answer to the service’s name during the changeover.',
    by: [
      'a queue worker in its command (`celery worker`, `sidekiq`, `queue:work`), or such a word in its name or command',
      'no known port',
    ],
    compose: `services:
  web:
    build: .
    expose: ["3000"]
  workers-mail:
    build: .
    command: celery -A shop worker --concurrency=2`,
  },
  {
    strategy: 'blue-green',
    deploy:
      'The new color starts beside the old one. An edge (HAProxy) owns the service’s names, its published ports and the labels that route to it. It moves the traffic from one color to the other, and no request is lost.',
    by: ['a port, and no state that two versions share'],
    compose: `services:
  blue-green-web:
    build: .
    ports: ["80:3000"]
    environment: { API_URL: "http://blue-green-api:8000" }
  blue-green-api:
    build: ./api`,
  },
];

/** The whole chapter as Markdown. */
export function strategyChapter(): string {
  const blocks = strategyExamples.map(
    ({ strategy, deploy, by, compose }) =>
      `### ${strategy}\n\n${deploy}\n\nSluice recognizes it by:\n\n${by.map((sign) => `- ${sign}`).join('\n')}\n\n\`\`\`yaml\n${compose}\n\`\`\``,
  );
  return `## How a strategy is found

If \`services.NAME.strategy\` is set, it applies. If not, the first of these that matches applies. \`sluice config\` shows
the result and the reason, without a server. It is the same before and after a build, because it depends only on
\`build:\`, the Dockerfile, and the configuration of images in a registry.

A service is **the app's own** if it has \`build:\`, or if its image is at or below the path in \`registry:\`. If no
service has either, the services that are published or routed to are the app's own. So are those with images from the
same place (\`vendor/app\`, \`vendor/app-worker\`).

${blocks.join('\n\n')}

The port of a blue-green service is the one in sluice.yml, else one that is published, exposed or routed to. Among several,
the one that the health check uses comes first. If the compose file declares none, the health check, the command, the
variable PORT, other services’ variables (\`http://api:8000\`) or EXPOSE of the image name it.

A blue-green service cannot write to a named volume or a folder of the server, unless \`shared-volumes\` allows it. It cannot
use \`network_mode\`, publish UDP or SCTP, or share its container with another service. [compose.md](compose.md) describes
names, ports, labels and mounts.`;
}
