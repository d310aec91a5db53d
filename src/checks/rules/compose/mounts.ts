import { imageKind } from '../../../config/services/stores.ts';
import type { App, AppService } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';
import { isPlacedVolume, type PlacedVolume } from './shape.ts';

const code = /\.(?:py|pyi|jsx?|mjs|cjs|tsx?|vue|svelte|rb|php|go|rs|java|kt|cs|ex|exs|scala|pl)$/;
/** Language images: a service on one of them runs the mounted code. */
const runtimes = new Set(
  'node python ruby php golang openjdk eclipse-temurin bun deno elixir pypy rust perl'.split(' '),
);

export const sourceMount: Rule<App> = {
  id: 'compose/source-mount',
  severity: 'high',
  level: 'fail',
  title: 'Production runs the code of its image, without a host folder mounted over it.',
  why: 'A bind mount of the source hides the code in the image. The server does not run the release that was built and checked, and a rollback has no effect. On a server without a checkout the folder is empty.',
  fix: 'Move the mount to compose.override.yml, which only a plain `docker compose up` on a developer’s machine reads.',
  source: {
    name: 'Docker: use Compose in production',
    url: 'https://docs.docker.com/compose/how-tos/production/#modify-your-compose-file-for-production',
  },
  example: {
    file: 'compose.yml',
    beside: { 'backend/Dockerfile': 'FROM python:3.13-slim\nUSER 10001\n', 'backend/app/main.py': '' },
    bad: 'services:\n  api:\n    build: backend\n    volumes:\n      - ./backend/app:/app/app\n',
    good: 'services:\n  api:\n    build: backend\n    volumes:\n      - uploads:/app/uploads\nvolumes:\n  uploads:\n',
  },
  check: (app) =>
    mounts(app).flatMap(({ appService, volume }): Hit[] => {
      const { source } = volume;
      if (volume.type !== 'bind' || source === undefined || /^[/~]|^\.\./.test(source)) return [];
      const runs = appService.isOwn || runtimes.has(imageKind(appService.service) ?? '');
      if (!runs || !holdsCode(source, app)) return [];
      const what = source === '' ? 'The whole repository' : `The source in ${source}`;
      const message = `${what} is mounted over ${volume.target} of ${appService.name}.`;
      return [
        { file: volume.file, line: volume.line, message, subject: `${appService.name}:${volume.target}` },
      ];
    }),
};

function holdsCode(source: string, { repo }: App): boolean {
  if (repo.files.includes(source)) return code.test(source);
  const below = source === '' ? repo.files : repo.files.filter((file) => file.startsWith(`${source}/`));
  return below.some((file) => code.test(file));
}

function mounts(app: App): { appService: AppService; volume: PlacedVolume }[] {
  return app.services.flatMap((appService) =>
    (appService.service.volumes ?? []).filter(isPlacedVolume).map((volume) => ({ appService, volume })),
  );
}

export const dockerSocket: Rule<App> = {
  id: 'compose/docker-socket',
  severity: 'high',
  level: 'review',
  title: 'No container has access to the Docker socket.',
  why: 'Access to the socket is root access to the host: a container with the socket can start another one that mounts /. A read-only mount does not prevent this.',
  fix: 'Remove it, or use a socket proxy that allows only read requests. If the service needs it, accept this finding with a reason.',
  source: {
    name: 'Docker: protect the daemon socket',
    url: 'https://docs.docker.com/engine/security/#docker-daemon-attack-surface',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  watch:\n    image: ghcr.io/acme/watch:2.1\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock:ro\n',
    good: 'services:\n  watch:\n    image: ghcr.io/acme/watch:2.1\n',
  },
  check: (app) =>
    mounts(app)
      .filter(({ volume }) => /(?:^|\/)(?:docker|podman)\.sock$/.test(volume.source ?? ''))
      .map(({ appService, volume }) => ({
        file: volume.file,
        line: volume.line,
        message: `${appService.name} has access to the Docker socket, which makes it root on the host.`,
        subject: appService.name,
      })),
};
