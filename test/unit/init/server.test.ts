import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../../../src/host/probe/facts.ts';
import { parseProbe } from '../../../src/host/probe/parse.ts';
import { planServer, serverText, takenPorts } from '../../../src/init/next-steps/server.ts';

/** A server as its probe describes it; lines that begin with a name of `changes` are replaced, or left out. */
function facts(changes: Readonly<Record<string, string | undefined>> = {}): HostFacts {
  const lines = {
    clock: '1700000000050123456',
    user: 'deploy',
    uid: '1000',
    gid: '1000',
    groups: 'deploy docker',
    kernel: '6.12',
    arch: 'x86_64',
    distro: '"Debian GNU/Linux 13 (trixie)"',
    'root.stat': '700 deploy',
    'root.usable': 'yes',
    listen: '00000000:0050',
    'docker.client': 'Docker version 28.2.2, build e6534b4',
    'docker.compose': 'v2.36.2',
    'docker.info': '28.2.2|overlay2|2|/var/lib/docker|[]',
    ...changes,
  };
  const text = Object.entries(lines).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} ${value}`],
  );
  const parsed = parseProbe(`${text.join('\n')}\nend\n`, '/opt/sluice', {
    begun: 1_700_000_000_000,
    answered: 1_700_000_000_100,
  });
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

const none = { 'docker.client': undefined, 'docker.compose': undefined, 'docker.info': undefined };
const commands = (changes: Readonly<Record<string, string | undefined>>) =>
  planServer(facts(changes)).tasks.flatMap((task) => task.commands);

describe('what takes root', () => {
  test('nothing on a server that has everything', () => {
    expect(planServer(facts())).toEqual({ create: undefined, tasks: [] });
  });

  test.each<[string, Record<string, string | undefined>, string[]]>([
    [
      'no Docker',
      { ...none, groups: 'deploy' },
      [
        'curl -fsSL https://get.docker.com -o get-docker.sh',
        'sudo sh get-docker.sh',
        'sudo usermod -aG docker deploy',
      ],
    ],
    [
      'no Docker, as root',
      { ...none, uid: '0', user: 'root' },
      ['curl -fsSL https://get.docker.com -o get-docker.sh', 'sh get-docker.sh'],
    ],
    [
      'no Docker on Alpine',
      { ...none, distro: '"Alpine Linux v3.22"' },
      [
        'sudo apk add docker docker-cli-compose',
        'sudo rc-update add docker boot',
        'sudo service docker start',
      ],
    ],
    [
      'not in the group',
      {
        groups: 'deploy',
        'docker.info': undefined,
        'docker.problem': 'permission denied while trying to connect',
      },
      ['sudo usermod -aG docker deploy'],
    ],
    [
      'an engine that is not started',
      { 'docker.info': undefined, 'docker.problem': 'Cannot connect to the Docker daemon' },
      ['sudo systemctl enable --now docker'],
    ],
    [
      'no compose plugin',
      { 'docker.compose': undefined },
      ['sudo apt-get update', 'sudo apt-get install -y docker-compose-plugin'],
    ],
    [
      'no compose plugin on Fedora',
      { 'docker.compose': undefined, distro: '"Fedora Linux 42"' },
      ['sudo dnf install -y docker-compose-plugin'],
    ],
    [
      'no folder',
      { 'root.stat': undefined, 'root.usable': undefined },
      ['sudo install -d -o deploy -m 700 /opt/sluice'],
    ],
    [
      "somebody else's folder",
      { 'root.stat': '755 root', 'root.usable': undefined },
      ['sudo chown deploy /opt/sluice', 'sudo chmod 700 /opt/sluice'],
    ],
  ])('%s', (_, changes, expected) => {
    expect(commands(changes)).toEqual(expected);
  });

  test('a folder that the user may make is made, and is no task', () => {
    expect(planServer(facts({ 'root.stat': undefined }))).toEqual({ create: '/opt/sluice', tasks: [] });
  });

  test('a user’s name with a $ stays a name in the commands', () => {
    expect(commands({ ...none, user: 'svc$', groups: 'svc' })).toContain("sudo usermod -aG docker 'svc$'");
  });
});

test('a port counts as taken unless it is the server’s own', () => {
  expect(takenPorts(facts(), [80, 443])).toEqual([80]);
  expect(takenPorts(facts({ listen: '0100007F:0050' }), [80, 443])).toEqual([]);
});

test('the first line is the verdict, and each thing to do is counted once', () => {
  const { tasks } = planServer(facts({ ...none, groups: 'deploy' }));
  const findings = [
    { level: 'error', topic: 'engine', message: 'no Docker engine answers', fix: 'Install it.' },
    { level: 'error', topic: 'disk', message: 'only 0.1 GiB free', fix: 'Free some.' },
  ] as const;
  const text = serverText({ ok: false, host: 'deploy@a.example.com', created: undefined, findings, tasks });
  expect(text.split('\n')[0]).toBe('deploy@a.example.com is not ready: 3 problems to fix');
  expect(text).not.toContain('Install it.');
  expect(text).toContain('→ Free some.');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});
