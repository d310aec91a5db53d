import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../../../src/host/probe/facts.ts';
import { parseProbe } from '../../../src/host/probe/parse.ts';

const asked = { begun: 1_700_000_000_000, answered: 1_700_000_000_100 };
const parse = (text: string) => parseProbe(text, '/opt/sluice', asked);

const good = `clock 1700000001050123456
user deploy
uid 1000
gid 1000
groups deploy docker
kernel 6.12.9-amd64
arch x86_64
shell /bin/bash
distro "Debian GNU/Linux 13 (trixie)"
cpus 4
memory MemTotal 4026532 MemAvailable 2000000 SwapFree 0
cgroup 2
disk.root 100000 50000 6000 /opt/sluice
root.stat 700 deploy
root.usable yes
sshd MaxSessions 20
sshd maxstartups 10:30:100
sshd AllowTcpForwarding local
sshd MaxSessions 5
listen 0100007F:1F90
listen 00000000000000000000000000000000:0016
listen 0000000000000000FFFF00000100007F:0050
ufw yes
docker.client Docker version 28.2.2, build e6534b4
docker.compose v2.26.1-4
docker.info 26.1.5+dfsg1|overlay2|2|/var/lib/docker|[name=seccomp,profile=builtin name=rootless]
disk.docker 200000 100000 - /var/lib/docker
end
`;

test('userns-remap is told from a rootless engine', () => {
  const { docker } = parse(good.replace('name=rootless', 'name=userns')) as HostFacts;
  expect(docker).toMatchObject({ rootless: false, remapped: true });
});

describe('a good answer', () => {
  const facts = parse(good) as HostFacts;

  test('is read whole', () => {
    expect(facts.user).toEqual({ name: 'deploy', uid: 1000, gid: 1000, groups: ['deploy', 'docker'] });
    expect(facts.system).toEqual({
      distro: 'Debian GNU/Linux 13 (trixie)',
      kernel: '6.12.9-amd64',
      arch: 'x86_64',
      shell: '/bin/bash',
      cpus: 4,
      cgroup: 2,
    });
    expect(facts.memory).toEqual({
      totalBytes: 4_026_532 * 1024,
      availableBytes: 2_000_000 * 1024,
      swapFreeBytes: 0,
    });
    expect(facts.disk.root).toEqual({
      path: '/opt/sluice',
      totalBytes: 102_400_000,
      freeBytes: 51_200_000,
      freeInodes: 6000,
    });
    expect(facts.disk.docker?.freeInodes).toBeUndefined();
    expect(facts.docker).toEqual({
      client: '28.2.2',
      engine: '26.1.5+dfsg1',
      compose: '2.26.1-4',
      storageDriver: 'overlay2',
      dataRoot: '/var/lib/docker',
      rootless: true,
      remapped: false,
      problem: undefined,
    });
    expect(facts.root).toEqual({
      path: '/opt/sluice',
      exists: true,
      owner: 'deploy',
      mode: 0o700,
      usable: true,
    });
    expect(facts.clock).toEqual({ utcMs: 1_700_000_001_050, offsetMs: 1_000 });
    expect(facts.ufw).toBe('active');
  });

  test('sshd takes the first value, whatever its case', () => {
    expect(facts.sshd).toEqual({
      maxSessions: 20,
      maxStartups: '10:30:100',
      allowStreamLocalForwarding: undefined,
      allowTcpForwarding: true,
    });
    const none = parse(good.replace('sshd MaxSessions 5', 'sshd DisableForwarding yes')) as HostFacts;
    expect(none.sshd).toMatchObject({ allowStreamLocalForwarding: false, allowTcpForwarding: false });
  });

  test('ports are in the byte order of the machine', () => {
    expect(facts.listening).toEqual([
      { address: '127.0.0.1', port: 8080 },
      { address: '::', port: 22 },
      { address: '0:0:0:0:0:ffff:7f00:1', port: 80 },
    ]);
  });

  test('a clock without nanoseconds will do', () => {
    for (const clock of ['1700000001', '1700000001%N', '1700000001N']) {
      const other = parse(good.replace('1700000001050123456', clock)) as HostFacts;
      expect(other.clock.utcMs).toBe(1_700_000_001_500);
    }
  });
});

describe('an answer that is not', () => {
  test.each(['uid', 'kernel', 'arch', 'clock', 'end'])('without %s is an error', (name) => {
    const text = good.replace(new RegExp(`^${name}.*\n`, 'm'), '');
    expect(parse(text)).toBeTypeOf('string');
  });

  test('without all the rest is fine', () => {
    const facts = parse('uid 0\nkernel 1\narch x\nclock 1700000001\nend\n') as HostFacts;
    expect(facts.user.name).toBe('0');
    expect(facts.docker.engine).toBeUndefined();
    expect(facts.listening).toEqual([]);
  });

  test('numbers beyond reason are unknown, control characters are dropped', () => {
    const text = good
      .replace('cpus 4', 'cpus 99999999999999999999999')
      .replace('MemTotal 4026532', 'MemTotal -1')
      .replace('user deploy', 'user dep\u001b[31mloy\u0007')
      .replace('listen 0100007F:1F90', 'listen 0100007F:1F90; rm -rf /')
      .replace('disk.root 100000', 'disk.root 1e999');
    const facts = parse(text) as HostFacts;
    expect(facts.system.cpus).toBeUndefined();
    expect(facts.memory.totalBytes).toBeUndefined();
    expect(facts.user.name).toBe('dep[31mloy');
    expect(facts.listening.length).toBe(2);
    expect(facts.disk.root).toBeUndefined();
  });

  test('never throws', () => {
    const lines = good.trim().split('\n');
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.constantFrom(...lines),
            fc.string({ unit: 'binary' }),
            fc.tuple(fc.constantFrom(...lines), fc.string()).map(([a, b]) => a.slice(0, 8) + b),
          ),
        ),
        (parts) => {
          parse([...parts, 'uid 0', 'kernel 1', 'arch x', 'clock 1700000001', 'end'].join('\n'));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
