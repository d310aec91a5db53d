import { formatCount, formatDuration, formatSeconds, formatShare } from '../../kernel/figures.ts';
import { proofOf, watchTotals } from '../facts.ts';
import { type DeployReport, durationOf, type Serving, type WatchRecord } from '../model.ts';
import { lastLines } from '../text.ts';
import { breakable, hostNames, html, type Markup, prose, scrolling } from './markup.ts';

/** Limits of a shown log: its end. */
const logLimits = { lines: 300, bytes: 128 * 1024 };

export function logBlock(title: string, text: string): Markup | undefined {
  const end = lastLines(text, logLimits);
  if (end.text === '') return undefined;
  const cut = end.cut ? html`<p class="dim">Earlier lines are omitted.</p>` : undefined;
  return html`<figure class="log"><figcaption>${title}</figcaption>${cut}<pre tabindex="0" role="region" aria-label="${title}">${end.text}</pre></figure>`;
}

/** The key figures of a deploy. */
export function figuresRow(report: DeployReport): Markup {
  const { requests, errors5xx: errors, p95Ms } = watchTotals(report.watch);
  const { backup } = report;
  const figures = [
    figure('Deploy time', formatDuration(durationOf(report))),
    report.watch.length > 0 && figure('Requests watched', formatCount(requests)),
    report.watch.length > 0 &&
      figure(
        'Answered 5xx',
        formatCount(errors),
        errors === 0 ? 'good' : 'bad',
        errors === 0 ? undefined : formatShare(errors, requests),
      ),
    p95Ms !== undefined && figure('Slowest p95', `${formatCount(p95Ms)} ms`),
    backup !== undefined && figure('Backup', proofOf(backup), proofOf(backup) === 'proven' ? 'good' : 'bad'),
    figure('Hosts', formatCount(hostsOf(report).length)),
  ];
  return html`<section aria-label="Key figures"><dl class="figures">${figures.filter((candidate) => candidate !== false)}</dl></section>`;
}

function figure(name: string, value: string, tone = '', note?: string): Markup {
  const small = note === undefined ? undefined : html` <small>${note}</small>`;
  return html`<div><dt>${name}</dt><dd class="${tone}">${value}${small}</dd></div>`;
}

export function errorCard({ error }: DeployReport): Markup | undefined {
  if (error === undefined) return undefined;
  const hint = error.hint ? html`<p class="hint">${prose(error.hint)}</p>` : undefined;
  return html`<section class="card why"><h2>Why</h2>
<p class="message">${prose(error.message)} <code>${error.code}</code></p>${hint}
${logBlock('Last lines of the log', error.output ?? '')}</section>`;
}

export function warningsCard({ warnings }: DeployReport): Markup | undefined {
  if (warnings.length === 0) return undefined;
  const items = warnings.map((warning) => html`<li>${prose(warning)}</li>`);
  return html`<section class="card warn"><h2>Warnings</h2><ul>${items}</ul></section>`;
}

/** The release on each host: one column per service; hosts with the same releases share a row. */
export function servingCard(report: DeployReport): Markup {
  const { serving, unreachable } = report;
  const services = [...new Set(serving.map((entry) => entry.service))];
  const rows = new Map<string, { readonly hosts: string[]; readonly cells: Markup }>();
  for (const host of hostsOf(report)) {
    const here = services.map((service) =>
      serving.find((candidate) => candidate.host === host && candidate.service === service),
    );
    const asked = !unreachable.includes(host);
    const key = asked ? JSON.stringify(here.map((item) => [item?.release, item?.colour])) : host;
    const known = rows.get(key);
    if (known === undefined) {
      const cells = here.map((item) => html`<td>${releaseChip(item, report.release)}</td>`);
      const unknown = html`<td colspan="${Math.max(1, services.length)}"><strong class="bad">could not be reached</strong></td>`;
      rows.set(key, { hosts: [host], cells: html`${asked ? cells : unknown}` });
    } else known.hosts.push(host);
  }
  const body = [...rows.values()].map(
    ({ hosts, cells }) => html`<tr><th scope="row">${hostNames(hosts)}</th>${cells}</tr>`,
  );
  const head = services.map((service) => html`<th scope="col">${service}</th>`);
  const table = html`<thead><tr><th scope="col">Host</th>${head}</tr></thead><tbody>${body}</tbody>`;
  return html`<section class="card"><h2>Serving now</h2>
${body.length === 0 ? html`<p>No release is serving.</p>` : scrolling('Serving now', table)}</section>`;
}

function releaseChip(serving: Serving | undefined, wanted: string): Markup {
  if (serving === undefined) return html`<span class="dim">–</span>`;
  const { release, colour } = serving;
  const tint = colour === 'blue' || colour === 'green' ? colour : 'plain';
  const dot = colour === undefined ? undefined : html` <span class="chip ${tint}">${colour}</span>`;
  const name = release === wanted ? html`<strong>${release}</strong>` : html`${release}`;
  return html`${name}${dot}`;
}

/** Hosts that serve or should: other hosts, such as the database's, have only a lane below. */
function hostsOf({ serving, unreachable }: DeployReport): string[] {
  return [...new Set([...serving.map((entry) => entry.host), ...unreachable])];
}

/** The guard's counts, which decided. */
export function watchCard({ watch }: DeployReport): Markup | undefined {
  if (watch.length === 0) return undefined;
  const rows = watch.map(
    (watchRecord) => html`<tr class="${watchRecord.outcome === 'reverted' ? 'failed' : ''}">
<th scope="row">${breakable(watchRecord.host)}</th><td>${watchRecord.service}</td>
<td class="number">${formatSeconds(watchRecord.seconds)}</td><td class="number">${formatCount(watchRecord.requests)}</td>
<td class="number">${errorsCell(watchRecord)}</td><td class="number">${formatCount(watchRecord.slow)}</td>
<td class="number">${watchRecord.p95Ms === undefined ? '–' : `${formatCount(watchRecord.p95Ms)} ms`}</td>
<td>${watchRecord.outcome}${watchRecord.reason ? html`: ${watchRecord.reason}` : undefined}</td></tr>`,
  );
  return html`<section class="card"><h2>Requests to the new release</h2>
<p class="dim">Counted by the guard in the edge, from the switch to its decision.</p>
${scrolling(
  'Requests to the new release',
  html`<thead><tr><th scope="col">Host</th><th scope="col">Service</th><th scope="col" class="number">Watched</th>
<th scope="col" class="number">Requests</th><th scope="col" class="number">5xx</th><th scope="col" class="number">Slow</th>
<th scope="col" class="number">p95</th><th scope="col">Guard</th></tr></thead><tbody>${rows}</tbody>`,
)}</section>`;
}

function errorsCell({ requests, errors5xx }: WatchRecord): Markup {
  if (errors5xx === 0) return html`0`;
  return html`<strong class="bad">${formatCount(errors5xx)}</strong> <small>${formatShare(errors5xx, requests)}</small>`;
}
