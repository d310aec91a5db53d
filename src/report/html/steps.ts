import { counted, formatDuration } from '../../kernel/figures.ts';
import type { DeployReport, HostTimeline, StepRecord } from '../model.ts';
import { breakable, html, type Markup } from './markup.ts';
import { type Scale, scaleOf } from './scale.ts';
import { scrolling } from './table.ts';

/** With more hosts than this, only those with a failure are expanded at first. */
const openHosts = 3;

/** Every step with its exact time; also the accessible form of the timeline. */
export function stepsCard(report: DeployReport): Markup | undefined {
  const lanes = report.hosts.filter((host) => host.steps.length > 0);
  if (lanes.length === 0) return undefined;
  const scale = scaleOf(report);
  const parts = lanes.map((host) => {
    const open = lanes.length <= openHosts || host.steps.some((step) => step.outcome === 'failed');
    return hostSteps(host, open, scale);
  });
  return html`<section class="card"><h2>Steps</h2>${parts}</section>`;
}

function hostSteps(host: HostTimeline, open: boolean, scale: Scale): Markup {
  const rows = host.steps.map((step) => row(step, scale));
  return html`<details${open ? html` open` : undefined}><summary>${breakable(host.name)} <span class="dim">${counted(rows.length, 'step')}</span></summary>
${scrolling(
  `Steps on ${host.name}`,
  html`<thead><tr><th scope="col" class="step">Step</th><th scope="col" class="when">When</th><th scope="col" class="number">Took</th>
<th scope="col" class="outcome">Outcome</th><th scope="col">Note</th></tr></thead><tbody>${rows}</tbody>`,
  'steps',
)}</details>`;
}

function row(step: StepRecord, scale: Scale): Markup {
  const when = `after ${formatDuration(step.startedAt)}`;
  return html`<tr class="${step.outcome}"><th scope="row">${step.name}</th>
<td class="when"><svg width="100%" height="12" role="img" aria-label="${when}"><title>${when}</title>
<line class="grid" x1="0" x2="100%" y1="6" y2="6"/>
<rect class="bar ${step.outcome} shade0" x="${scale.at(step.startedAt)}" width="${scale.width(step.durationMs)}" y="1" height="10" rx="2"/></svg></td>
<td class="number">${formatDuration(step.durationMs)}</td><td>${step.outcome}</td><td>${step.note ?? ''}</td></tr>`;
}
