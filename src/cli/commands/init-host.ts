import { formatAddress, parseAddress } from '../../config/address.ts';
import { loadConfig } from '../../config/load.ts';
import type { Config, HostConfig } from '../../config/model.ts';
import { type Finding, judgeHost } from '../../deploy/preflight.ts';
import { connectHost } from '../../host/connect.ts';
import { secretVariables } from '../../host/credentials.ts';
import type { HostFacts } from '../../host/facts.ts';
import { probeHost } from '../../host/probe.ts';
import { planServer, type ServerPlan } from '../../init/server.ts';
import { serverText } from '../../init/server-text.ts';
import { UserError } from '../../kernel/errors.ts';
import { exitCodes } from '../../kernel/run.ts';
import type { CommandContext } from '../context.ts';

export async function execute(context: CommandContext, text: string | undefined): Promise<number> {
  const { effects } = context;
  for (const variable of secretVariables) effects.mask.add(effects.env[variable] ?? '');
  const config = await hostConfig(context, text ?? '');
  await using host = await connectHost(config, effects);
  const before = await probeHost(host);
  const plan = planServer(before, []);
  let created: string | undefined;
  if (plan.create !== undefined) {
    const made = await host.exec(['mkdir', '-p', '-m', '700', '--', plan.create]);
    if (made.code === 0) created = plan.create;
  }
  const facts = created === undefined ? before : await probeHost(host);
  const findings = [...judge(facts), ...memoryOf(facts), ...portsOf(facts, plan)];
  const { tasks } = planServer(facts, []);
  const ok = tasks.length === 0 && findings.every(({ level }) => level !== 'error');
  const answer = { ok, host: host.name, created, findings, tasks };
  effects.print(context.json ? JSON.stringify(answer) : serverText(answer));
  return ok ? exitCodes.ok : exitCodes.failed;
}

/** The host as sluice.yml describes it (its pinned key, its jump host, its folder), else by its address alone. */
async function hostConfig(context: CommandContext, text: string): Promise<HostConfig> {
  const parsed = parseAddress(text);
  if ('fault' in parsed) {
    throw new UserError({
      code: 'usage.argument',
      message: `The address ${parsed.fault}`,
      hint: 'For example sluice init host deploy@server.example.com',
    });
  }
  const name = formatAddress(parsed);
  const known = await configHere(context);
  const hosts = Object.values(known?.targets ?? {}).flatMap((target) => target.hosts);
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

/** A server can be prepared before there is a sluice.yml; one that was named must be there. */
async function configHere(context: CommandContext): Promise<Config | undefined> {
  try {
    return await loadConfig(context.config);
  } catch (error) {
    const isMissing = error instanceof UserError && error.code === 'config.missing';
    if (context.config === undefined && isMissing) return undefined;
    throw error;
  }
}

/** What the doctor looks at that needs no app. */
function judge(facts: HostFacts): Finding[] {
  const record = { model: { name: '', services: {} }, services: [] };
  return judgeHost({ facts, record, config: {}, database: undefined });
}

function memoryOf({ memory, system }: HostFacts): Finding[] {
  if (memory.totalBytes === undefined) return [];
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  const free = memory.availableBytes === undefined ? '' : `, ${gib(memory.availableBytes)} of it available`;
  const cpus = system.cpus === undefined ? '' : `; ${system.cpus} CPUs`;
  const message = `${gib(memory.totalBytes)}${free}${cpus}: two versions run at once during a deploy`;
  return [{ level: 'ok', topic: 'memory', message }];
}

function portsOf({ ufw, listening }: HostFacts, _plan: ServerPlan): Finding[] {
  const taken = [80, 443].filter((port) => listening.some((each) => each.port === port));
  const message =
    taken.length === 0 ? 'nothing listens on 80 and 443' : `something listens on ${taken.join(' and ')}`;
  const firewall: Finding[] =
    ufw === 'active'
      ? [
          {
            level: 'ok',
            topic: 'firewall',
            message: 'ufw is active; ports that containers publish go past it',
          },
        ]
      : [];
  const fix = 'If it is the app itself, all is well; else free the port, or publish the app on another.';
  return [
    taken.length === 0
      ? { level: 'ok', topic: 'ports', message }
      : { level: 'warning', topic: 'ports', message, fix },
    ...firewall,
  ];
}
