import { createHash } from 'node:crypto';
import { formatDuration, formatTime } from '../../kernel/figures.ts';
import { headline, nextAction } from '../headline.ts';
import { type DeployReport, durationOf, type Outcome } from '../model.ts';
import { lookOf } from '../outcome.ts';
import { httpUrl } from '../url.ts';
import { errorCard, figuresRow, servingCard, warningsCard, watchCard } from './answers.ts';
import { breakable, html, type Markup, prose, raw } from './markup.ts';
import { backupCard, envCard, healthCard, imagesCard, migrationCard } from './proofs.ts';
import { styleSheet } from './style.ts';
import { stepsCard, timelineCard } from './timeline.ts';

/**
 * The report as one self-contained page: no script, no request. Its policy allows only this style sheet (by its hash), so
 * injected markup can neither run nor load anything.
 */
export function htmlReport(report: DeployReport): string {
  const hash = createHash('sha256').update(styleSheet).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'`;
  const look = lookOf(report);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${look.word}: ${report.app} ${report.release} on ${report.target}</title>
<link rel="icon" href="${tabIcon(report.outcome)}">
<style>${raw(styleSheet)}</style>
</head>
<body class="${report.outcome}">
<main>
${banner(report)}
${figuresRow(report)}
${errorCard(report)}
${warningsCard(report)}
${servingCard(report)}
${timelineCard(report)}
${watchCard(report)}
<div class="cards">
${healthCard(report)}
${backupCard(report)}
${migrationCard(report)}
${envCard(report)}
${imagesCard(report)}
</div>
${stepsCard(report)}
${footer(report)}
</main>
</body>
</html>
`;
  return page.markup;
}

function banner(report: DeployReport): Markup {
  const url = httpUrl(report.runUrl);
  const facts: (Markup | false)[] = [
    html`<time datetime="${report.startedAt}">${formatTime(report.startedAt)}</time>`,
    html`${formatDuration(durationOf(report))}`,
    report.actor !== undefined && html`by ${report.actor}`,
    report.commit !== undefined && html`commit <code>${report.commit.slice(0, 12)}</code>`,
    url !== undefined && html`<a href="${url}" rel="noreferrer noopener">run</a>`,
  ];
  return html`<header class="banner">
<p class="word">${icon(report.outcome)}<span>${lookOf(report).word}</span></p>
<h1>${breakable(headline(report))}</h1>
<p class="next"><strong>Next</strong> ${prose(nextAction(report))}</p>
<ul class="facts">${facts.flatMap((fact) => (fact === false ? [] : [html`<li>${fact}</li>`]))}</ul>
</header>`;
}

function footer(report: DeployReport): Markup {
  const { execs, forwards } = report.counts;
  return html`<footer>
<p>${report.command} <code>${report.deploy}</code> of ${report.app} to ${report.target} ·
${execs} commands and ${forwards} forwards over SSH · finished ${formatTime(report.finishedAt)} · written by Sluice</p>
</footer>`;
}

/** Drawn, because font symbols look different on every machine. Strokes on a field of 24 × 24. */
const paths: Readonly<Record<Outcome, string>> = {
  confirmed: 'M6.5 12.5l3.7 3.7 7.3-8',
  unchanged: 'M7 9.5h10M7 14.5h10',
  reverted: 'M8.5 6.5L5 10l3.5 3.5M5.5 10H14a4.5 4.5 0 010 9h-3',
  undone: 'M8.5 6.5L5 10l3.5 3.5M5.5 10H14a4.5 4.5 0 010 9h-3',
  'failed-before-change': 'M7.5 7.5l9 9M16.5 7.5l-9 9',
  interrupted: 'M9 7v10M15 7v10',
  split: 'M12 19v-6M12 13L6.5 6M12 13l5.5-7',
};

/** Colors of the tab's icon, readable on light and dark tabs. */
const colours: Readonly<Record<Outcome, string>> = {
  confirmed: '1a7f4b',
  unchanged: '5b6673',
  reverted: 'c2570c',
  undone: 'a16207',
  'failed-before-change': 'c62a2f',
  interrupted: '7c4dbe',
  split: 'b00020',
};

function icon(outcome: Outcome): Markup {
  return raw(
    `<svg class="icon" viewBox="0 0 24 24" width="28" height="28" aria-hidden="true"><path d="${paths[outcome]}"/></svg>`,
  );
}

function tabIcon(outcome: Outcome): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#${colours[outcome]}"/><path d="${paths[outcome]}" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}`;
}
