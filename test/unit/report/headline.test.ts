import { describe, expect, test } from 'vitest';
import { createMask } from '../../../src/kernel/masking/mask.ts';
import { headline, nextAction } from '../../../src/report/headline.ts';
import { type DeployReport, durationOf, scrubReport } from '../../../src/report/model.ts';
import { isSuccess, lookOf } from '../../../src/report/outcome.ts';
import {
  confirmed,
  interrupted,
  reports,
  reverted,
  tenHosts,
  undone,
} from '../../support/report/fixtures.ts';
import { hostile, hostileTexts } from '../../support/report/hostile.ts';

describe('headline: what serves, then what became of the deploy', () => {
  test('confirmed', () => {
    expect(headline(confirmed)).toBe(
      'production serves bookreader v1.2.4 (green) on 2 hosts; replaced v1.2.3 in 41.2 s, no 5xx in 6,021 watched requests',
    );
  });

  test('confirmed with a few 5xx says so: it is no clean success', () => {
    expect(headline(tenHosts)).toMatch(
      /; replaced v1\.9\.7 in 21\.\d s, 2 × 5xx \(under 0\.1 %\) in 82,665 watched requests$/,
    );
  });

  test('confirmed without one request does not claim to have been watched', () => {
    const watch = confirmed.watch.map((watchRecord) => ({ ...watchRecord, requests: 0 }));
    expect(headline({ ...confirmed, watch })).toMatch(/no requests during the watch$/);
  });

  test('confirmed, and what is in front does not reach it: no success', () => {
    const error = { code: 'adopt.url', message: 'https://x.example.com/ answered 502', hint: 'Reload it' };
    const report: DeployReport = { ...confirmed, error, nextAction: error.hint };
    expect(isSuccess(report)).toBe(false);
    expect(isSuccess(confirmed)).toBe(true);
    expect(lookOf(report)).toMatchObject({ mark: '!', word: 'Deployed, with an error' });
    expect(headline(report)).toMatch(/; it is confirmed, but https:\/\/x\.example\.com\/ answered 502$/);
    expect(nextAction(report)).toBe('Reload it');
  });

  test('first deploy, and deploy without a watch', () => {
    const first = { ...confirmed, previousRelease: undefined, watch: [] };
    expect(headline(first)).toBe(
      'production serves bookreader v1.2.4 (green) on 2 hosts; deployed in 41.2 s',
    );
  });

  test('rollback', () => {
    const report = {
      ...confirmed,
      command: 'rollback',
      release: 'v1.2.3',
      previousRelease: 'v1.2.4',
      watch: [],
    } as const;
    const serving = confirmed.serving.map((item) => ({ ...item, release: 'v1.2.3' }));
    expect(headline({ ...report, serving })).toBe(
      'production serves bookreader v1.2.3 (green) on 2 hosts; rolled back from v1.2.4 in 41.2 s',
    );
  });

  test('reverted: by the reason of the host that saw it', () => {
    expect(headline(reverted)).toBe(
      'production serves bookreader v1.2.3 (green) on 2 hosts; v1.2.4 was reverted after 0.02 s: 5xx rate 100 % of 33 answers',
    );
  });

  test('reverted without a reason: by the numbers', () => {
    const watch = reverted.watch.map((watchRecord) => ({ ...watchRecord, reason: undefined }));
    expect(headline({ ...reverted, watch })).toMatch(/reverted after 0\.02 s: 5xx rate 100 % of 33 answers$/);
  });

  test('undone before the switch, and taken back after it', () => {
    expect(headline(undone)).toBe(
      'staging serves bookreader v1.2.4 (blue) on 1 host; v1.3.0-rc1 was undone before the switch: backend on deploy@staging.example.com was not healthy within 30 s: database is disconnected',
    );
    const host = 'deploy@staging.example.com';
    const late: DeployReport = { ...undone, events: [{ kind: 'switched', at: 1, host }, ...undone.events] };
    expect(headline(late)).toContain('v1.3.0-rc1 was undone after the switch: ');
  });

  test('failed before a change', () => {
    const report: DeployReport = { ...undone, outcome: 'failed-before-change', events: [] };
    expect(headline(report)).toContain(
      '; the deploy of v1.3.0-rc1 stopped before it changed anything: backend on',
    );
  });

  test('failed before a first deploy: nothing serves, and that is said', () => {
    const report: DeployReport = {
      ...undone,
      outcome: 'failed-before-change',
      serving: [],
      previousRelease: undefined,
    };
    expect(headline(report)).toMatch(/^staging serves no release of bookreader; /);
  });

  test('unchanged', () => {
    const report: DeployReport = { ...confirmed, outcome: 'unchanged', watch: [], hosts: [] };
    expect(headline(report)).toBe(
      'production already serves bookreader v1.2.4 (green) on 2 hosts; nothing was changed',
    );
  });

  test('interrupted while armed: names the host that could not be asked and what the guard does', () => {
    expect(headline(interrupted)).toBe(
      'production serves bookreader v1.2.5 (blue) on 1 host; deploy@prod-2.example.com could not be reached; the deploy of v1.2.5 was interrupted in step watch before it was confirmed, so the guard reverts to v1.2.4',
    );
  });

  test('interrupted, and the guard has gone back already', () => {
    const serving = confirmed.serving.map((item) => ({ ...item, release: 'v1.2.4' }));
    const text = headline({ ...interrupted, serving, unreachable: [] });
    expect(text).toMatch(/^production serves bookreader v1\.2\.4 .*interrupted in step watch$/);
  });

  test('nothing known', () => {
    const hosts = interrupted.hosts.map((host) => host.name);
    expect(headline({ ...interrupted, serving: [], unreachable: hosts })).toMatch(
      /^the release on production is unknown; deploy@prod-1\.example\.com, deploy@prod-2\.example\.com could not be reached; /,
    );
  });

  test('split: which host serves what, whatever the outcome claims', () => {
    const serving = confirmed.serving.map((item, index) =>
      index < 2 ? item : { ...item, release: 'v1.2.3', colour: 'blue' },
    );
    const expected =
      'production serves different releases of bookreader: v1.2.4 on deploy@prod-1.example.com (green), v1.2.3 on deploy@prod-2.example.com (blue)';
    expect(headline({ ...confirmed, serving, outcome: 'split' })).toBe(
      `${expected}; the deploy of v1.2.4 did not finish on all hosts`,
    );
    expect(headline({ ...confirmed, serving })).toContain(expected);
  });

  test('split within a host names the services; many hosts are abridged', () => {
    const [first, ...rest] = tenHosts.serving;
    if (first === undefined) throw new Error('the fixture serves nothing');
    const text = headline({
      ...tenHosts,
      outcome: 'split',
      serving: [{ ...first, release: 'v1.9.7' }, ...rest],
    });
    expect(text).toContain('v1.9.7 on deploy@app-01.example.com (backend)');
    expect(text).toMatch(/v2\.0\.0 on deploy@app-01\.example\.com \(frontend\), .* and 7 more;/);
  });

  test('services of different colours: none is claimed', () => {
    const serving = confirmed.serving.map((item) =>
      item.service === 'frontend' ? { ...item, colour: 'blue' } : item,
    );
    expect(headline({ ...confirmed, serving })).toContain('v1.2.4 on 2 hosts;');
  });

  test.each(hostileTexts.map((_, seed) => seed))(
    'is one printable line whatever the texts are (%i)',
    (seed) => {
      for (const report of reports) {
        const text = headline(hostile(report, seed));
        expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f]/);
        expect(text.isWellFormed()).toBe(true);
        expect(Array.from(text).length).toBeLessThanOrEqual(600);
      }
    },
  );
});

describe('the model', () => {
  test('an empty action is nothing to do', () => {
    expect(nextAction(confirmed)).toBe('Nothing to do.');
    expect(nextAction(reverted)).toMatch(/^Nothing is urgent/);
  });

  test('a clock that was set back does not hide the steps', () => {
    expect(durationOf({ ...confirmed, finishedAt: '2026-03-14T02:00:00Z' })).toBeGreaterThan(40_000);
    expect(durationOf({ ...confirmed, finishedAt: 'yesterday' })).toBeGreaterThan(40_000);
  });

  test('scrubbing reaches every text, component names too, and no word the report is built on', () => {
    const secrets = ['hunter2-hunter2', 'confirmed', 'components', 'startedAt', 'runner'];
    const mask = createMask();
    for (const secret of secrets) mask.add(secret);
    const [record] = confirmed.health;
    if (record === undefined) throw new Error('the fixture has no health');
    const leaky: DeployReport = {
      ...confirmed,
      error: { code: 'x', message: 'hunter2-hunter2', output: `${'x\n'.repeat(10)}hunter2-hunter2` },
      health: [{ ...record, components: { 'hunter2-hunter2': 'hunter2-hunter2' } }],
    };
    const clean = scrubReport(leaky, mask);
    expect(JSON.stringify(clean)).not.toContain('hunter2');
    expect(clean).toMatchObject({
      outcome: 'confirmed',
      startedAt: confirmed.startedAt,
      health: [{ components: { '***': '***' } }],
    });
    expect(clean.hosts[0]?.name).toBe('***');
    expect(scrubReport(confirmed, createMask())).toEqual(confirmed);
  });

  test('a report survives JSON', () => {
    for (const report of reports) expect(headline(JSON.parse(JSON.stringify(report)))).toBe(headline(report));
  });
});
