import { formatAddress, parseAddress } from '../../config/address.ts';
import type { Config, HostConfig } from '../../config/model.ts';
import { loadConfig } from '../../config/sluice-yml/load.ts';
import { judgeHost } from '../../deploy/preflight/preflight.ts';
import type { ScriptResult } from '../../host/model.ts';
import type { HostFacts } from '../../host/probe/facts.ts';
import { probeHost } from '../../host/probe/probe.ts';
import { connectHost } from '../../host/ssh/connect.ts';
import { secretVariables } from '../../host/ssh/credentials.ts';
import { planServer, type ServerFinding, serverText, takenPorts } from '../../init/next-steps/server.ts';
import { enumerate } from '../../init/render/terminal.ts';
import { publishedPorts } from '../../init/stand-ins/read-model.ts';
import { UserError } from '../../kernel/errors.ts';
import { exitCodes } from '../../kernel/run.ts';
import type { CommandContext } from '../context.ts';

export async function execute(context: CommandContext, text: string | undefined): Promise<number> {
  const { effects } = context;
  for (const variable of secretVariables) effects.mask.add(effects.env[variable] ?? '');
  const app = await configHere(context);
  const config = hostConfig(app, text ?? '');
  const ports = app === undefined ? [80, 443] : await publishedPorts(app.folder, effects);
  await using host = await connectHost(config, effects);
  const before = await probeHost(host);
  const { create } = planServer(before);
  const made = create === undefined ? undefined : await host.exec(['mkdir', '-p', '-m', '700', '--', create]);
  const facts = made === undefined ? before : await probeHost(host);
  const findings = [...judge(facts), ...memoryOf(facts), ...portsOf(facts, ports), ...notMade(create, made)];
  const { tasks } = planServer(facts);
  const ok = tasks.length === 0 && findings.every(({ level }) => level !== 'error');
  const answer = { ok, host: host.name, created: made?.code === 0 ? create : undefined, findings, tasks };
  effects.print(context.json ? JSON.stringify(answer) : serverText(answer));
  return ok ? exitCodes.ok : exitCodes.failed;
}

/** The probe reads permission bits; some file systems refuse anyway. */
function notMade(path: string | undefined, made: ScriptResult | undefined): ServerFinding[] {
  if (made === undefined || made.code === 0) return [];
  const message = `Cannot create ${path}: ${made.stderr.trim()}`;
  return [
    {
      level: 'error',
      topic: 'folder',
      message,
      fix: 'Set another folder as `root:` of the host in sluice.yml.',
    },
  ];
}

/** The host as sluice.yml describes it (pinned key, jump host, folder); without an entry there, only its address. */
function hostConfig(app: Config | undefined, text: string): HostConfig {
  const parsed = parseAddress(text);
  if ('fault' in parsed) {
    throw new UserError({
      code: 'usage.argument',
      message: `The address ${parsed.fault}`,
      hint: 'For example sluice init host deploy@server.example.com',
    });
  }
  const name = formatAddress(parsed);
  const hosts = Object.values(app?.targets ?? {}).flatMap((target) => target.hosts);
  const fallback = {
    ...parsed,
    name,
    services: undefined,
    env: {},
    hostKey: undefined,
    jump: undefined,
    root: '/opt/sluice',
  };
  return hosts.find((host) => host.name === name) ?? fallback;
}

/** A server can be prepared before there is a sluice.yml; a file that was named must exist. */
async function configHere(context: CommandContext): Promise<Config | undefined> {
  try {
    return await loadConfig(context.config);
  } catch (error) {
    const isMissing = error instanceof UserError && error.code === 'config.missing';
    if (context.config === undefined && isMissing) return undefined;
    throw error;
  }
}

/** The findings of `sluice doctor` that need no app. */
function judge(facts: HostFacts): ServerFinding[] {
  const record = { model: { name: '', services: {} }, services: [] };
  return judgeHost({ facts, record, config: {}, database: undefined });
}

function memoryOf({ memory, system }: HostFacts): ServerFinding[] {
  if (memory.totalBytes === undefined) return [];
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const free = memory.availableBytes === undefined ? '' : `, ${gib(memory.availableBytes)} of it available`;
  const cpus = system.cpus === undefined ? '' : `; ${system.cpus} CPUs`;
  const message = `${gib(memory.totalBytes)}${free}${cpus}: two releases run at once during a deploy`;
  return [{ level: 'ok', topic: 'memory', message }];
}

function portsOf(facts: HostFacts, ports: readonly number[]): ServerFinding[] {
  const firewall: ServerFinding[] =
    facts.ufw === 'active'
      ? [
          {
            level: 'ok',
            topic: 'firewall',
            message: 'ufw is active, but does not filter ports that containers publish',
          },
        ]
      : [];
  const taken = takenPorts(facts, ports);
  if (taken.length > 0) {
    const message = `${enumerate(taken.map(String))} ${taken.length === 1 ? 'is' : 'are'} already in use`;
    const fix = 'Ignore this if it is this app. Otherwise free the port, or publish the app on another one.';
    return [{ level: 'warning', topic: 'ports', message, fix }, ...firewall];
  }
  if (ports.length === 0) return firewall;
  return [
    {
      level: 'ok',
      topic: 'ports',
      message: `${enumerate(ports.map(String))} ${ports.length === 1 ? 'is' : 'are'} free`,
    },
    ...firewall,
  ];
}
