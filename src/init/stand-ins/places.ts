import {
  fixed,
  imageWants,
  isHole,
  type Masked,
  mask,
  namesAt,
  partOf,
  portWants,
  volumeWants,
  type Want,
} from './short-syntax.ts';

/** Declared names of a compose file, for variables that hold one of them. */
export interface Declared {
  readonly services: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
  readonly secrets: readonly string[];
  readonly configs: readonly string[];
}

function keys(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Below these keys, any text is valid. */
const free = keys(`
  environment labels command entrypoint args options driver_opts annotations test content sysctls
  extra_hosts x-develop develop storage_opt logging
`);
const bools = keys(`
  read_only tty stdin_open privileged init oom_kill_disable attach required external internal
  attachable enable_ipv6 enable_ipv4 no_cache pull disable create_host_path nocopy use_api_socket
  restart_on_change
`);
const numbers = keys(`
  cpus cpu_count cpu_percent cpu_shares cpu_quota cpu_period cpu_rt_runtime cpu_rt_period
  mem_swappiness oom_score_adj pids_limit pids scale replicas retries max_attempts parallelism
  priority max_failure_ratio soft hard nofile nproc core uid gid weight count cpuset
  max_replicas_per_node group_add memlock rtprio gw_priority
`);
const bytes = keys('mem_limit mem_reservation memswap_limit shm_size memory size rate');
const durations = keys(`
  interval timeout start_period start_interval stop_grace_period delay monitor window
`);
/** A word that Compose accepts there, nearest to its default. */
const words: Readonly<Record<string, string>> = {
  restart: 'unless-stopped',
  network_mode: 'bridge',
  pid: 'host',
  ipc: 'private',
  cgroup: 'private',
  uts: 'host',
  userns_mode: 'host',
  pull_policy: 'missing',
  platform: 'linux/amd64',
  platforms: 'linux/amd64',
  stop_signal: 'SIGTERM',
  runtime: 'runc',
  isolation: 'default',
  protocol: 'tcp',
  order: 'stop-first',
  failure_action: 'pause',
  endpoint_mode: 'vip',
  propagation: 'rprivate',
  mac_address: '02:42:ac:11:00:02',
  ipv6_address: 'fd00:5::10',
  cap_add: 'NET_ADMIN',
  cap_drop: 'NET_ADMIN',
  gpus: 'all',
  user: '1000',
  devices: '/dev/null',
};
const names = keys(`
  container_name hostname domainname name aliases target dockerfile profiles
`);
const paths = keys(`
  context working_dir tmpfs file additional_contexts label_file cgroup_parent
`);

/** The kinds of value that the variables of one text need at its place. */
export function wantsAt(path: readonly string[], text: string, declared: Declared): Map<string, Want> {
  const masked = mask(text);
  if (masked.names.length === 0) return new Map();
  const keys = path.filter((key) => !/^\d+$/.test(key));
  const [section, , key = ''] = keys;
  if (section === 'services') {
    if (keys.length === 3 && key === 'ports') return portWants(masked);
    if (keys.length === 3 && key === 'volumes') return volumeWants(masked, declared.volumes);
    if (keys.length === 3 && key === 'image') return imageWants(masked);
    if (key === 'env_file') return envFileWants(masked);
    if (keys.slice(2).some((candidate) => free.has(candidate))) return every(masked, { kind: 'any' });
    const reference = referenceWant(keys.slice(2), path, declared);
    if (reference !== undefined) return every(masked, reference);
  } else if (keys.some((candidate) => free.has(candidate))) return every(masked, { kind: 'any' });
  return every(masked, wantFor(keys));
}

function wantFor(keys: readonly string[]): Want {
  const last = keys.at(-1) ?? '';
  const parent = keys.at(-2) ?? '';
  if (bools.has(last)) return fixed('true', /^(?:true|false|yes|no|on|off|y|n|0|1)$/i);
  if (bytes.has(last)) return fixed('64m', /^\d+(?:\.\d+)?\s*(?:[kmgt]?i?b?)$/i);
  if (numbers.has(last) || parent === 'ulimits') return fixed('1', /^-?\d+(?:\.\d+)?$/);
  if (durations.has(last)) return fixed('10s', /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/);
  if (['published', 'expose'].includes(last) || (last === 'target' && keys.includes('ports')))
    return { kind: 'port', span: 1 };
  if (last === 'mode')
    return fixed(keys.includes('ports') ? 'ingress' : keys.includes('deploy') ? 'replicated' : '0444');
  if (last === 'condition') return fixed(parent === 'restart_policy' ? 'any' : 'service_started');
  if (last === 'driver')
    return fixed(keys[0] === 'networks' ? 'bridge' : keys.includes('devices') ? 'nvidia' : 'local');
  if (['host_ip', 'ipv4_address', 'gateway', 'dns'].includes(last)) return { kind: 'ip' };
  if (['subnet', 'ip_range'].includes(last)) return fixed('10.123.0.0/24', /^[\da-f.:]+\/\d+$/i);
  if (last === 'build' || paths.has(last) || (last === 'source' && keys.includes('volumes')))
    return { kind: 'path' };
  if (last === 'target' && keys.includes('volumes')) return { kind: 'path' };
  if (['cache_from', 'cache_to', 'tags'].includes(last)) return { kind: 'image' };
  if (Object.hasOwn(words, last)) return fixed(words[last] ?? '', last === 'user' ? /^[\w.-]+$/ : undefined);
  return names.has(last) ? { kind: 'name' } : { kind: 'any' };
}

/** A reference within the same file, where Compose accepts only declared names. */
function referenceWant(
  keys: readonly string[],
  path: readonly string[],
  declared: Declared,
): Want | undefined {
  const [key = ''] = keys;
  const isItem = keys.length === 1 && path.length === 4;
  if (!isItem) return undefined;
  const own = path[1];
  const others = declared.services.filter((name) => name !== own);
  const lists: Readonly<Record<string, readonly string[]>> = {
    depends_on: others,
    links: others,
    volumes_from: others,
    networks: [...declared.networks, 'default'],
    secrets: declared.secrets,
    configs: declared.configs,
  };
  const list = Object.hasOwn(lists, key) ? lists[key] : undefined;
  const [first] = list ?? [];
  return list === undefined || first === undefined
    ? undefined
    : { kind: 'fixed', value: first, fits: (value) => list.includes(value) };
}

/** A file of that name is replaced by the target's variables. */
function envFileWants(masked: Masked): Map<string, Want> {
  const isOurs = /(?:^|\/)\.env(?:\..+)?$|\.env$/.test(masked.text) && !isHole(masked.text);
  const want = every(masked, { kind: 'name' });
  const end = masked.text.slice(-1);
  if (!isOurs && isHole(end)) for (const name of namesAt(masked, end)) want.set(name, fixed('.env'));
  return want;
}

function every(masked: Masked, want: Want): Map<string, Want> {
  const wants = new Map<string, Want>();
  const holes = [...masked.text].flatMap((char, at) => (isHole(char) ? [{ char, at }] : []));
  for (const { char, at } of holes) {
    const own = isHole(masked.text) ? want : partOf(want, masked, at);
    for (const name of namesAt(masked, char)) wants.set(name, own);
  }
  return wants;
}
