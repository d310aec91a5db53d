import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const peers = join(root, '.bed/cdn-peers');

/** Where something is published to, and from. */
export interface Place {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  /** A folder of the run's own, with the site in `dist`. */
  readonly folder: string;
}

export interface Invocation {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** A way to publish a folder. */
export interface Contestant {
  readonly name: string;
  /** Leaves files of the release before for a while, on purpose. */
  readonly retains: boolean;
  invocation(place: Place): Invocation;
}

/** Sluice as somebody runs it who has its checkout, its packages bundled. */
export const sluice: Contestant = {
  name: 'sluice cdn publish',
  retains: true,
  invocation(place) {
    writeFileSync(
      join(place.folder, 'sluice.yml'),
      `app: bench\ncdn:\n  dist: dist\n  store: s3://${place.bucket}\n`,
    );
    return {
      argv: [process.execPath, join(root, 'dist/cli.js'), 'cdn', 'publish', '--name', 'bench', '--json'],
      env: awsEnvironment(place),
    };
  },
};

/** Each as its users run it, and as somebody would who has read all of its manual. */
export const others: readonly Contestant[] = [
  aws('aws s3 sync --delete', []),
  // Misses an edit that leaves the length as it was: there to show it.
  aws('aws s3 sync --delete --size-only', ['--size-only']),
  rclone('rclone sync', []),
  rclone('rclone sync --checksum', ['--checksum']),
  rclone('rclone sync --checksum --fast-list, 32 at once', [
    '--checksum',
    '--fast-list',
    '--transfers=32',
    '--checkers=32',
  ]),
  {
    name: 's5cmd sync --delete',
    retains: false,
    invocation: (place) => ({
      argv: [
        join(peers, 's5cmd'),
        '--endpoint-url',
        place.endpoint,
        '--log',
        'error',
        'sync',
        '--delete',
        `${join(place.folder, 'dist')}/`,
        `s3://${place.bucket}/`,
      ],
      env: awsEnvironment(place),
    }),
  },
];

export function peerVersions(): Record<string, string> {
  const first = (...argv: [string, ...string[]]) =>
    execFileSync(join(peers, argv[0]), argv.slice(1), { encoding: 'utf8' }).split('\n')[0] ?? '';
  return {
    aws: first('aws', '--version'),
    rclone: first('rclone', 'version'),
    s5cmd: first('s5cmd', 'version'),
  };
}

function aws(name: string, flags: readonly string[]): Contestant {
  return {
    name,
    retains: false,
    invocation: (place) => ({
      argv: [
        join(peers, 'aws'),
        ...['s3', 'sync', '--delete', '--only-show-errors', ...flags],
        ...[join(place.folder, 'dist'), `s3://${place.bucket}`],
      ],
      env: awsEnvironment(place),
    }),
  };
}

function rclone(name: string, flags: readonly string[]): Contestant {
  return {
    name,
    retains: false,
    invocation: (place) => ({
      argv: [join(peers, 'rclone'), 'sync', ...flags, join(place.folder, 'dist'), `bench:${place.bucket}`],
      env: {
        ...awsEnvironment(place),
        RCLONE_CONFIG: join(place.folder, 'no-rclone.conf'),
        RCLONE_CONFIG_BENCH_TYPE: 's3',
        RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
        RCLONE_CONFIG_BENCH_ENV_AUTH: 'true',
        RCLONE_CONFIG_BENCH_ENDPOINT: place.endpoint,
        RCLONE_CONFIG_BENCH_REGION: place.region,
      },
    }),
  };
}

/** Nothing of this machine's own set-up comes in; HOME is the run's. */
function awsEnvironment(place: Place): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: place.folder,
    AWS_ACCESS_KEY_ID: place.accessKeyId,
    AWS_SECRET_ACCESS_KEY: place.secretAccessKey,
    AWS_REGION: place.region,
    AWS_DEFAULT_REGION: place.region,
    AWS_ENDPOINT_URL: place.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
