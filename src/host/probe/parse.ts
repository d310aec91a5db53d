import type { DiskFacts, HostFacts } from './facts.ts';

/** This machine's clock before and after reading the host's, ms since the epoch. */
export interface Asked {
  readonly begun: number;
  readonly answered: number;
}

/**
 * Reads the output of probeScript. It comes from another machine, so it is not trusted: numbers are bounded, texts cut,
 * unknown lines skipped.
 *
 * @returns the facts, or the fault in the output.
 */
export function parseProbe(text: string, root: string, asked: Asked): HostFacts | string {
  const answers = readAnswers(text);
  if (!answers.complete) return 'it is incomplete';
  const uid = number(answers.one('uid'), 2 ** 32);
  const kernel = answers.one('kernel');
  const arch = answers.one('arch');
  const utcMs = clockOf(answers);
  if (uid === undefined) return 'no user id';
  if (kernel === undefined || arch === undefined) return 'no kernel or architecture';
  if (utcMs === undefined) return 'no clock';
  const memory = memoryOf(answers.one('memory') ?? '');
  const [engine, storageDriver, cgroup, dataRoot, security] = (answers.one('docker.info') ?? '').split('|');
  const stat = /^(\d{3,4}) (\S+)$/.exec(answers.one('root.stat') ?? '');
  return {
    user: {
      name: answers.one('user') ?? String(uid),
      uid,
      gid: number(answers.one('gid'), 2 ** 32) ?? uid,
      groups: (answers.one('groups') ?? '').split(' ').filter((name) => name !== ''),
    },
    system: {
      distro: answers.one('distro')?.replace(/^(["'])(.*)\1$/, '$2'),
      kernel,
      arch,
      shell: answers.one('shell'),
      cpus: number(answers.one('cpus'), 100_000),
      cgroup:
        cgroup === '1' || cgroup === '2'
          ? (Number(cgroup) as 1 | 2)
          : answers.one('cgroup') === '2'
            ? 2
            : undefined,
    },
    memory,
    disk: { root: diskOf(answers.one('disk.root')), docker: diskOf(answers.one('disk.docker')) },
    docker: {
      client: version(answers.one('docker.client')),
      engine: version(engine),
      compose: version(answers.one('docker.compose')),
      storageDriver: storageDriver || undefined,
      dataRoot: dataRoot || undefined,
      rootless: security?.includes('name=rootless') ?? false,
      remapped: security?.includes('name=userns') ?? false,
      problem: answers.one('docker.problem'),
    },
    root: {
      path: root,
      exists: answers.one('root.stat') !== undefined,
      owner: stat?.[2],
      mode: stat?.[1] === undefined ? undefined : Number.parseInt(stat[1], 8),
      usable: answers.one('root.usable') === 'yes',
    },
    clock: { utcMs, offsetMs: Math.round(utcMs - (asked.begun + asked.answered) / 2) },
    sshd: sshdOf(answers.all('sshd')),
    listening: answers.all('listen').flatMap(listeningOf).slice(0, 10_000),
    ufw: ufwOf(answers.one('ufw')),
  };
}

interface Answers {
  readonly complete: boolean;
  /** The first answer of a name; undefined if it is empty. */
  one(name: string): string | undefined;
  all(name: string): readonly string[];
}

function readAnswers(text: string): Answers {
  const found = new Map<string, string[]>();
  let complete = false;
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z.]+) ?([\s\S]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    if (name === 'end') complete = true;
    const clean = value.replace(/[^\x20-\uffff]/g, '').trim();
    if (clean === '') continue;
    const values = found.get(name);
    if (values === undefined) found.set(name, [clean]);
    else values.push(clean);
  }
  return { complete, one: (name) => found.get(name)?.[0], all: (name) => found.get(name) ?? [] };
}

function number(text: string | undefined, most = Number.MAX_SAFE_INTEGER): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}

/** GNU date prints nanoseconds; others print `%N` or nothing, so only the seconds are known. */
function clockOf(answers: Answers): number | undefined {
  const [, seconds, nanos] = /^(\d{10,11})(\d{9})?\D*$/.exec(answers.one('clock') ?? '') ?? [];
  if (seconds === undefined) return undefined;
  // Without fractions, the clock is on average half a second ahead.
  return Number(seconds) * 1000 + (nanos === undefined ? 500 : Math.round(Number(nanos) / 1e6));
}

function memoryOf(text: string): HostFacts['memory'] {
  const bytes = (name: string) => {
    const kib = number(new RegExp(`${name} (\\d+)`).exec(text)?.[1], 2 ** 43);
    return kib === undefined ? undefined : kib * 1024;
  };
  return {
    totalBytes: bytes('MemTotal'),
    availableBytes: bytes('MemAvailable'),
    swapFreeBytes: bytes('SwapFree'),
  };
}

/** `size free inodes path`, sizes in KiB. */
function diskOf(text: string | undefined): DiskFacts | undefined {
  const [, size, free, inodes, path] = /^(\d+) (\d+) (\S+) (.+)$/.exec(text ?? '') ?? [];
  const totalKib = number(size, 2 ** 43);
  const freeKib = number(free, 2 ** 43);
  if (totalKib === undefined || freeKib === undefined || path === undefined) return undefined;
  const freeInodes = number(inodes);
  return {
    path,
    freeBytes: freeKib * 1024,
    totalBytes: totalKib * 1024,
    // File systems without a fixed number of inodes report 0 of 0.
    freeInodes: freeInodes === 0 ? undefined : freeInodes,
  };
}

function version(text: string | undefined): string | undefined {
  return /(?<!\d)\d+\.\d+[\w.+~-]*/.exec(text ?? '')?.[0].slice(0, 60);
}

/** sshd uses the first value; keywords are case-insensitive. */
function sshdOf(lines: readonly string[]): HostFacts['sshd'] {
  const value = (keyword: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${keyword} `))
      ?.slice(keyword.length + 1)
      .trim();
  const allows = (keyword: string) => {
    if (value('disableforwarding')?.toLowerCase() === 'yes') return false;
    const text = value(keyword)?.toLowerCase();
    return text === undefined ? undefined : text === 'yes' || text === 'all' || text === 'local';
  };
  return {
    maxSessions: number(value('maxsessions'), 1e6),
    maxStartups: value('maxstartups')?.slice(0, 40),
    allowStreamLocalForwarding: allows('allowstreamlocalforwarding'),
    allowTcpForwarding: allows('allowtcpforwarding'),
  };
}

/** `0100007F:1F90` or 32 hex digits for IPv6; each group of four bytes is in the byte order of the machine. */
function listeningOf(text: string): { address: string; port: number }[] {
  const [, hex, portHex] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (hex === undefined || portHex === undefined) return [];
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((group) => [...Buffer.from(group, 'hex')].reverse());
  const port = Number.parseInt(portHex, 16);
  if (bytes.length === 4) return [{ address: bytes.join('.'), port }];
  if (bytes.every((byte) => byte === 0)) return [{ address: '::', port }];
  const words = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return [{ address: words.join(':'), port }];
}

function ufwOf(text: string | undefined): HostFacts['ufw'] {
  if (text === undefined) return undefined;
  return text.toLowerCase() === 'yes' ? 'active' : 'inactive';
}
