import { createHash } from 'node:crypto';
import { formatDuration, formatTime } from '../../kernel/figures.ts';
import { headline, nextAction } from '../headline.ts';
import { type DeployReport, durationOf } from '../model.ts';
import { lookOf } from '../outcome.ts';
import { httpUrl } from '../url.ts';
import { errorCard, figuresRow, servingCard, warningsCard, watchCard } from './answers.ts';
import { icon, tabIcon } from './icons.ts';
import { breakable, html, type Markup, prose, raw } from './markup.ts';
import { backupCard, envCard, healthCard, imagesCard, migrationCard } from './proofs.ts';
import { stepsCard } from './steps.ts';
import { styleSheet } from './style.ts';
import { timelineCard } from './timeline.ts';

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
