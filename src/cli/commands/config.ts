import { exitCodes, showError } from '../../kernel/run.ts';
import { type ConfigView, resolvedConfig, type ServiceView } from '../../operations/config.ts';
import type { CommandContext } from '../context.ts';

export async function execute(context: CommandContext, targetName: string | undefined): Promise<number> {
  const { view, faults } = await resolvedConfig(context, targetName);
  const ok = faults.length === 0;
  const { print, log } = context.effects;
  if (context.json) {
    const errors = faults.map(({ code, message, hint, at }) => ({ code, message, hint, at }));
    print(JSON.stringify({ ok, config: view, ...(ok ? {} : { errors }) }));
  } else print(configText(view));
  for (const fault of faults) showError(fault, log);
  return ok ? exitCodes.ok : exitCodes.usage;
}

/** The resolved model as text. */
export function configText(view: ConfigView): string {
  const { migrate, backup } = view;
  return [
    `${view.app} → ${view.target}, ${view.hosts.join(', ')}`,
    `  compose     ${view.compose.join(', ')}`,
    ...(view.registry === undefined ? [] : [`  registry    ${view.registry}`]),
    ...(migrate === undefined ? [] : [`  migrate     ${migrate.service}: ${migrate.command}`]),
    ...(backup === undefined
      ? []
      : [`  backup      ${backup.postgres}, keeps the newest ${backup.keep} proven backups`]),
    ...view.files.map(({ name, source, handling }) => `  ${name}: ${source}, ${handling}`),
    ...view.services.flatMap((service) => ['', ...serviceLines(service, view)]),
    ...(view.unplaced.length === 0
      ? []
      : ['', `Not on any host of ${view.target}: ${view.unplaced.join(', ')}`]),
    ...variableLines(view),
    ...remarks(view),
  ].join('\n');
}

function serviceLines(service: ServiceView, view: ConfigView): string[] {
  const replicas = service.replicas > 1 ? ` ×${service.replicas}` : '';
  const names = Object.entries(service.names);
  const image = [service.image, service.build === undefined ? undefined : `built from ${service.build}`];
  return [
    `${service.name}${replicas}: ${service.strategy}, ${service.why}`,
    `  image       ${image.filter((part) => part !== undefined).join(', ')}`,
    ...names.map(([network, all]) => `  ${label('names', all)} on ${network}`),
    ...service.ports.map(
      (port, index) => `  ${label('port', [portText(port, index === 0 ? service.health : undefined)])}`,
    ),
    ...(service.published.length === 0 ? [] : [`  ${label('published', service.published)}`]),
    ...service.mounts.map(
      ({ source, target, handling }) => `  ${label('mount', [`${source}:${target}`])}, ${handling}`,
    ),
    ...service.volumes.map(
      ({ name, target }) => `  ${label('volume', [`${name ?? 'anonymous'}:${target}`])}`,
    ),
    ...(view.hosts.length === service.hosts.length ? [] : [`  ${label('hosts', service.hosts)}`]),
    ...service.notes.map((note) => `  ${label('note', [note])}`),
  ];
}

function label(name: string, values: readonly string[]): string {
  return `${name.padEnd(11)} ${values.join(', ')}`;
}

function portText(
  port: ServiceView['ports'][number] & { readonly why?: string },
  health: string | undefined,
): string {
  const why = port.why === undefined ? '' : `: ${port.why}`;
  return `${port.port} ${port.mode}${why}${health === undefined ? '' : `, health ${health}`}`;
}

function variableLines({ variables, unread }: ConfigView): string[] {
  if (variables.length === 0 && unread.length === 0) return [];
  const width = Math.max(...variables.map(({ name }) => name.length), 0);
  return [
    '',
    'Variables (names only)',
    ...variables.map(({ name, from }) => `  ${name.padEnd(width)}  ${from}`),
    ...unread.map((source) => `  not read: ${source}`),
  ];
}

function remarks({ notes, warnings }: ConfigView): string[] {
  const all = [...notes.map((note) => `  · ${note}`), ...warnings.map((warning) => `  ! ${warning}`)];
  return all.length === 0 ? [] : ['', ...all];
}
