import { formatCount, formatDuration, formatSeconds, formatShare } from '../kernel/figures.ts';
import { proofOf, revisionsOf, unmoved, watchTotals } from './facts.ts';
import { headline, nextAction } from './headline.ts';
import { type DeployReport, durationOf } from './model.ts';
import { lookOf } from './outcome.ts';
import { lastLines, oneLine } from './text.ts';
import { httpUrl } from './url.ts';

/** A message for an incoming webhook: `text` is for notifications and for servers without blocks. */
export interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
}

interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  readonly emoji: boolean;
}
interface Mrkdwn {
  readonly type: 'mrkdwn';
  readonly text: string;
}

export type SlackBlock =
  | { readonly type: 'header'; readonly text: PlainText }
  | { readonly type: 'section'; readonly text: Mrkdwn }
  | { readonly type: 'section'; readonly fields: readonly Mrkdwn[] }
  | { readonly type: 'context'; readonly elements: readonly Mrkdwn[] };

/** Slack takes 150 characters in a header and 3,000 in a section's text. (api.slack.com/reference/block-kit) */
const headerLimit = 150;
const sectionLimit = 2_900;

/** The message: outcome first, then the serving release, the next step, the numbers and the reason. */
export function slackMessage(report: DeployReport): SlackMessage {
  const look = lookOf(report);
  const said = headline(report);
  const next = nextAction(report);
  const url = httpUrl(report.runUrl);
  const title = `${look.emoji} ${look.word}: ${oneLine(report.app, 40)} ${oneLine(report.release, 40)} on ${oneLine(report.target, 40)}`;
  const fields = fieldsOf(report).slice(0, 10);
  const blocks: SlackBlock[] = [
    {
      type: 'header',
      text: { type: 'plain_text', text: withoutMentions(oneLine(title, headerLimit - 20)), emoji: true },
    },
    section(bold(said, sectionLimit)),
    section(`*Next:* ${mrkdwn(next, sectionLimit)}`),
  ];
  if (fields.length > 0) blocks.push({ type: 'section', fields });
  blocks.push(...errorBlocks(report));
  blocks.push({ type: 'context', elements: [{ type: 'mrkdwn', text: contextOf(report, url) }] });
  const link = url === undefined ? '' : ` ${linkTo(url)}`;
  return { text: `${look.emoji} ${mrkdwn(said, sectionLimit)}. ${mrkdwn(next)}${link}`, blocks };
}

function section(text: string): SlackBlock {
  return { type: 'section', text: { type: 'mrkdwn', text } };
}

function fieldsOf(report: DeployReport): Mrkdwn[] {
  const { watch, backup, migration, warnings } = report;
  const fields = [field('Took', formatDuration(durationOf(report)))];
  if (watch.length > 0) {
    const { requests, errors5xx } = watchTotals(watch);
    const share = errors5xx === 0 ? '' : ` (${formatShare(errors5xx, requests)})`;
    fields.push(
      field('5xx / watched requests', `${formatCount(errors5xx)} / ${formatCount(requests)}${share}`),
    );
  }
  if (backup !== undefined) fields.push(field('Backup', proofOf(backup)));
  if (migration !== undefined) {
    const moved = revisionsOf(migration);
    const what = moved === undefined ? unmoved(migration) : `${moved.before} → ${moved.after}`;
    fields.push(field('Migration', `${what} in ${formatSeconds(migration.seconds)}`));
  }
  if (warnings.length > 0) fields.push(field('Warnings', formatCount(warnings.length)));
  return fields;
}

function field(name: string, value: string): Mrkdwn {
  return { type: 'mrkdwn', text: `*${name}*\n${mrkdwn(oneLine(value, 200))}` };
}

function errorBlocks({ error }: DeployReport): SlackBlock[] {
  if (error === undefined) return [];
  const hint = error.hint ? `\n→ ${mrkdwn(oneLine(error.hint, 500))}` : '';
  const blocks = [
    section(
      `*Why:* ${mrkdwn(oneLine(error.message, 500))} \`${mrkdwn(error.code.replaceAll('`', 'ʹ'), 100)}\`${hint}`,
    ),
  ];
  const output = logEnd(error.output ?? '');
  return output === '' ? blocks : [...blocks, section(output)];
}

/** The log's end as a code block. Backticks end it, so they become primes. */
function logEnd(text: string): string {
  const end = lastLines(text, { lines: 8, bytes: 1_500 }).text.replaceAll('`', 'ʹ');
  return end.trim() === '' ? '' : `\`\`\`\n${mrkdwn(end, sectionLimit)}\n\`\`\``;
}

function contextOf(report: DeployReport, url: string | undefined): string {
  const facts = [
    report.actor ? `by ${mrkdwn(oneLine(report.actor, 60))}` : '',
    report.commit ? `commit ${mrkdwn(oneLine(report.commit, 40).slice(0, 12))}` : '',
    `${report.command} ${mrkdwn(oneLine(report.deploy, 80))}`,
    url === undefined ? '' : linkTo(url),
  ];
  return facts.filter((fact) => fact !== '').join(' · ');
}

/** A normalized URL has no blank, `<` or `>`; `|` starts the link's text. */
function linkTo(url: string): string {
  return `<${url.replaceAll('&', '&amp;').replaceAll('|', '%7C')}|Open the run>`;
}

/** Foreign text in Slack's markup, at most `limit` long after escaping. Two or more backticks can open a block. */
function mrkdwn(text: string, limit = 1_000): string {
  let escaped = '';
  for (const character of withoutMentions(text.replace(/`{2,}/g, 'ʹ'))) {
    const piece = entities[character] ?? character;
    if (escaped.length + piece.length >= limit) return `${escaped}…`;
    escaped += piece;
  }
  return escaped;
}

/** Only `&`, `<` and `>` form links and mentions in Slack. */
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Foreign text within `*…*`, which a star or a backtick ends. */
function bold(text: string, limit: number): string {
  return `*${mrkdwn(text.replaceAll('*', '∗').replaceAll('`', 'ʹ'), limit)}*`;
}

/**
 * Servers that accept Slack's messages (Mattermost, Discord) notify everyone for a plain `@channel`; a zero-width space
 * prevents that.
 */
function withoutMentions(text: string): string {
  return text.replace(
    /(?<![\p{L}\p{N}])@(?=[\p{L}\p{N}])|@(?=(?:everyone|channel|here|all)\b)/giu,
    '@\u200b',
  );
}
