import { describe, expect, test } from 'vitest';
import { headline } from '../../../src/report/headline.ts';
import type { DeployReport, Outcome } from '../../../src/report/model.ts';
import { looks } from '../../../src/report/outcome.ts';
import { type SlackBlock, slackMessage } from '../../../src/report/slack.ts';
import { confirmed, reports, reverted, undone } from '../../support/report/fixtures.ts';
import { hostile, hostileTexts, hugeLog } from '../../support/report/hostile.ts';

/** All texts of a block, in their order. */
function textsOf(block: SlackBlock): string[] {
  if ('fields' in block) return block.fields.map((field) => field.text);
  if ('elements' in block) return block.elements.map((element) => element.text);
  return [block.text.text];
}

describe('the message for Slack', () => {
  test('says the outcome first, then what serves, then what to do', () => {
    const message = slackMessage(reverted);
    expect(message.blocks.slice(0, 3)).toEqual([
      {
        type: 'header',
        text: { type: 'plain_text', text: '🟠 Reverted: bookreader v1.2.4 on production', emoji: true },
      },
      { type: 'section', text: { type: 'mrkdwn', text: `*${headline(reverted)}*` } },
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: '*Next:* Nothing is urgent: v1.2.3 serves. Fix list_books (log below) and deploy again.',
        },
      },
    ]);
    expect(message.text).toContain(headline(reverted));
    expect(message.text).toContain(
      '<https://github.com/acme/bookreader/actions/runs/8123456789|Open the run>',
    );
  });

  test('numbers, proof and migration of a success; reason and log of a failure', () => {
    const good = slackMessage(confirmed).blocks.flatMap(textsOf);
    expect(good).toContain('*5xx / watched requests*\n0 / 6,021');
    expect(good).toContain('*Backup*\nproven');
    expect(good).toContain('*Migration*\n3f2a91c0 → 9bc1d4e7 in 0.84 s');
    const bad = slackMessage(undone).blocks.flatMap(textsOf).join('\n');
    expect(bad).toContain('database is disconnected `deploy.unhealthy`');
    expect(bad).toContain('```\nsqlalchemy.exc.OperationalError');
  });

  test('every outcome has a header of its own', () => {
    const outcomes = Object.keys(looks) as Outcome[];
    const headers = outcomes.map(
      (outcome) => textsOf(slackMessage({ ...confirmed, outcome }).blocks[0] as SlackBlock)[0],
    );
    expect(new Set(headers.map((header) => header?.slice(0, 2))).size).toBe(outcomes.length);
    expect(slackMessage({ ...confirmed, command: 'rollback' }).text).toContain('🟢');
    expect(JSON.stringify(slackMessage({ ...confirmed, command: 'rollback' }))).toContain('Rolled back: ');
  });

  test.each(hostileTexts.map((_, seed) => seed))('keeps the limits and calls nobody (%i)', (seed) => {
    for (const report of reports) {
      const poisoned = hostile(report, seed);
      const long: DeployReport = {
        ...poisoned,
        nextAction: '&<>`*'.repeat(400),
        error: {
          code: '<&>'.repeat(50),
          message: '&'.repeat(5_000),
          hint: '<'.repeat(5_000),
          output: hugeLog().slice(0, 50_000),
        },
      };
      for (const deployReport of [poisoned, long]) {
        const { text, blocks } = slackMessage(deployReport);
        expect(blocks.length).toBeLessThanOrEqual(50);
        expect(text.length).toBeLessThan(40_000);
        for (const block of blocks) {
          const texts = textsOf(block);
          const limit = block.type === 'header' ? 150 : 'fields' in block ? 2_000 : 3_000;
          for (const part of texts) {
            expect(part.length).toBeGreaterThan(0);
            expect(part.length).toBeLessThanOrEqual(limit);
          }
          if ('fields' in block) expect(texts.length).toBeLessThanOrEqual(10);
          if (block.type !== 'header') expectNoMarkup(texts.join('\n'));
        }
        expectNoMarkup(text);
      }
    }
  });
});

/** No link but ours, no mention: not in Slack's own form, nor in that of servers that take its messages. */
function expectNoMarkup(text: string): void {
  const ours = text.replace(/<https:\/\/[^<>|]+\|Open the run>/g, '');
  expect(ours).not.toMatch(/[<>]/);
  expect(ours).not.toMatch(/&(?!amp;|lt;|gt;)/);
  expect(ours).not.toMatch(/(?<![\p{L}\p{N}])@[\p{L}\p{N}]/u);
  expect(ours).not.toMatch(/@(everyone|here|channel|all)\b/i);
  expect((ours.match(/```/g) ?? []).length % 2).toBe(0);
}
