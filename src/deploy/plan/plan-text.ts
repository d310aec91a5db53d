import type { HostModel } from '../../config/model.ts';
import type { DeployPlan, HostPlan, PlannedService } from '../model.ts';
import { lackingImages } from '../transfer/transfer.ts';

const marks: Readonly<Record<PlannedService['action'], string>> = {
  colour: '~ blue-green',
  workers: '~ workers',
  swap: '~ singleton',
  replace: '~ replace',
  create: '+ create',
  keep: '= keep',
  run: '> run',
  remove: '- remove',
};

const edgeTexts = {
  create: 'takes over the name',
  keep: 'unchanged',
  reload: 'reloads its new settings, keeping its connections',
  replace: 'restarts with another HAProxy image, closing its connections',
} as const;
const redefinedText = 'is replaced: its names, networks, published ports or routing labels changed';

/** The plan as text: the changes on each host, with reasons. */
export function planText(plan: DeployPlan): string {
  const headline = plan.unchanged
    ? `${plan.target} already serves ${plan.release}: nothing to do`
    : `${plan.app} ${plan.release} → ${plan.target}, ${plan.hosts.length === 1 ? '1 host' : `${plan.hosts.length} hosts`}`;
  const remarks = [
    ...(plan.notes ?? []).map((note) => `  · ${note}`),
    ...(plan.warnings ?? []).map((warning) => `  ! ${warning}`),
  ];
  return [
    headline,
    ...plan.hosts.flatMap((host) => hostText(host, plan.primary === host.host)),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
  ].join('\n');
}

/** Likely mistakes in files and variables of this machine, each once for all hosts. */
export function warningsOf(models: readonly HostModel[]): string[] {
  return [...new Set(models.flatMap(({ warnings = [] }) => warnings))];
}

/** Ignored parts of the compose files, each once for all hosts. */
export function notesOf(models: readonly HostModel[]): string[] {
  return [...new Set(models.flatMap(({ notes = [] }) => notes))];
}

function hostText(plan: HostPlan, primary: boolean): string[] {
  const from =
    plan.previous === undefined ? 'first deploy' : `${plan.previous.release} (${plan.previous.colour})`;
  return [
    '',
    `${plan.host}: ${from} → ${plan.release} (${plan.colour})${primary ? ', backup and migration run here' : ''}`,
    ...plan.services.flatMap((planned) => [serviceText(planned), ...noteLines(planned)]),
    ...plan.removed.map(
      (service) => `  ${marks.remove.padEnd(13)} ${service.padEnd(18)} no longer in the compose file`,
    ),
    ...plan.edges
      .filter((edge) => edge.action !== 'keep')
      .map((edge) => {
        const text = edge.redefined ? redefinedText : edgeTexts[edge.action];
        return `  ${`+ edge`.padEnd(13)} ${edge.service.padEnd(18)} ${text}`;
      }),
    ...(plan.env.added.length > 0 ? [`  env added:   ${plan.env.added.join(', ')}`] : []),
    ...(plan.env.removed.length > 0 ? [`  env removed: ${plan.env.removed.join(', ')}`] : []),
    ...(plan.env.changed && plan.env.added.length + plan.env.removed.length === 0
      ? ['  env: values changed']
      : []),
    `  images: ${imagesText(plan)}`,
    ...plan.warnings.map((warning) => `  ! ${warning}`),
  ];
}

function imagesText(plan: HostPlan): string {
  const missing = plan.images.filter((image) => !image.present).length;
  const carried = lackingImages(plan).length;
  if (missing === 0) return 'all on the host';
  const parts = [
    ...(missing > carried ? [`${missing - carried} to pull`] : []),
    ...(carried > 0 ? [`${carried} to transfer from the local engine`] : []),
  ];
  return parts.join(', ');
}

function serviceText({ service, action, image, imageBefore, why, plan }: PlannedService): string {
  const replicas = plan.replicas > 1 ? ` ×${plan.replicas}` : '';
  const change =
    imageBefore === undefined || imageBefore === image ? '' : `, ${short(imageBefore)} → ${short(image)}`;
  return `  ${marks[action].padEnd(13)} ${(service + replicas).padEnd(18)} ${why}${change}`;
}

function noteLines({ plan }: PlannedService): string[] {
  return (plan.notes ?? []).map((note) => `  ${' '.repeat(32)} ${note}`);
}

/** Shortens a digest to 8 characters, enough to tell two apart. */
function short(image: string): string {
  const [name = '', digest] = image.split('@sha256:');
  return digest === undefined ? (name.split('/').at(-1) ?? name) : digest.slice(0, 8);
}
