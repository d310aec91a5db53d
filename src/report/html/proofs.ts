import { formatBytes, formatCount, formatSeconds } from '../../kernel/figures.ts';
import { alike, revisionsOf, unmoved } from '../facts.ts';
import type { BackupProof, DeployReport } from '../model.ts';
import { logBlock } from './answers.ts';
import { hostNames, html, type Markup } from './markup.ts';

export function healthCard({ health }: DeployReport): Markup | undefined {
  if (health.length === 0) return undefined;
  const items = alike(health).map(({ record, hosts }) => {
    const components = Object.entries(record.components).map(
      ([name, state]) => html`<li>${name} <span>${state}</span></li>`,
    );
    const list = components.length === 0 ? undefined : html`<ul class="components">${components}</ul>`;
    return html`<li>${verdict(record.ok, record.ok ? 'healthy' : 'unhealthy')} <strong>${record.service}</strong>${list}
<div class="dim">${hostNames(hosts)}</div></li>`;
  });
  return html`<section class="card"><h2>Health before the switch</h2><ul class="bare">${items}</ul></section>`;
}

export function backupCard({ backup }: DeployReport): Markup | undefined {
  if (backup === undefined) return undefined;
  return html`<section class="card"><h2>Backup</h2>${proof(backup)}
<dl class="pairs">
<dt>File</dt><dd><code>${backup.file}</code></dd>
<dt>Size</dt><dd>${formatBytes(backup.bytes)}, made in ${formatSeconds(backup.seconds)}</dd>
<dt>SHA-256</dt><dd><code>${backup.sha256}</code></dd>
</dl></section>`;
}

function proof({ restoreTest }: BackupProof): Markup {
  if (restoreTest === undefined)
    return html`<p>${verdict(false, 'not proven')} It was not test-restored.</p>`;
  const { ok, tables, rows, rights, seconds, detail } = restoreTest;
  const rightsToo = rights === undefined ? '' : `, ${formatCount(rights)} rights`;
  const more = detail ? html`<br><span class="dim">${detail}</span>` : undefined;
  if (!ok) return html`<p>${verdict(false, 'not restorable')} The restore test failed.${more}</p>`;
  return html`<p>${verdict(true, 'proven')} Restored into a temporary Postgres and compared:
<strong>${formatCount(tables)} tables, ${formatCount(rows)} rows${rightsToo}</strong> in ${formatSeconds(seconds)}.${more}</p>`;
}

export function migrationCard({ migration }: DeployReport): Markup | undefined {
  if (migration === undefined) return undefined;
  const { seconds, output } = migration;
  const revisions = revisionsOf(migration);
  const moved =
    revisions === undefined
      ? html`${unmoved(migration)}`
      : html`<code>${revisions.before}</code> → <code>${revisions.after}</code>`;
  return html`<section class="card"><h2>Migration</h2><p>${moved} in ${formatSeconds(seconds)}</p>
${logBlock('Output of the migration', output)}</section>`;
}

export function envCard({ env }: DeployReport): Markup | undefined {
  if (env.added.length + env.removed.length === 0) return undefined;
  const keys = (names: readonly string[], sign: string, word: string) =>
    names.map(
      (name) => html`<li class="${word}"><span aria-label="${word}">${sign}</span> <code>${name}</code></li>`,
    );
  return html`<section class="card"><h2>Environment</h2><p class="dim">Names of variables; values are never shown.</p>
<ul class="keys">${keys(env.added, '+', 'added')}${keys(env.removed, '−', 'removed')}</ul></section>`;
}

export function imagesCard({ images }: DeployReport): Markup | undefined {
  if (images.length === 0) return undefined;
  const items = images.map(
    ({ service, reference }) => html`<dt>${service}</dt><dd><code>${reference}</code></dd>`,
  );
  return html`<section class="card"><h2>Images</h2><dl class="stacked">${items}</dl></section>`;
}

function verdict(good: boolean, word: string): Markup {
  return html`<span class="verdict ${good ? 'good' : 'bad'}">${word}</span>`;
}
