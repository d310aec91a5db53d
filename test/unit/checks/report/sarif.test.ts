import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { ChecksReport, RawResult } from '../../../../src/checks/model.ts';
import { checksSarif } from '../../../../src/checks/report/sarif.ts';
import { judge } from '../../../../src/checks/verdict/judge.ts';
import {
  context,
  cve,
  everything,
  facts,
  finding,
  fullReport,
  ran,
  settings,
} from '../../../support/checks/fixtures.ts';
import { hostile, hostileTexts } from '../../../support/report/hostile.ts';

/** What SARIF 2.1.0 allows of what we write, and what GitHub's "SARIF support for code scanning" demands; nothing else. */
const text = (most: number) =>
  z.strictObject({
    text: z
      .string()
      .min(1)
      .max(most)
      .regex(/^(?!.*\]\()/s),
  });
const uri = z.string().regex(/^(?![a-z]+:|\/)[\w.~!$&'()*+,;=:@%/-]+$/i);
const place = z.strictObject({
  artifactLocation: z.strictObject({ uri, uriBaseId: z.literal('%SRCROOT%') }),
  region: z
    .strictObject({
      startLine: z.int().min(1),
      startColumn: z.int().min(1),
      endLine: z.int().min(1),
      endColumn: z.int().min(1),
    })
    .refine(({ startLine, endLine }) => endLine >= startLine)
    .refine((region) => region.endLine > region.startLine || region.endColumn > region.startColumn),
});
const rule = z.strictObject({
  id: z.string().min(1).max(255),
  shortDescription: text(1024),
  fullDescription: text(1024),
  help: text(10_000),
  helpUri: z.url().optional(),
  properties: z.strictObject({
    tags: z.array(z.string()).max(20),
    'security-severity': z
      .string()
      .regex(/^\d\.\d$/)
      .optional(),
  }),
});
const result = z.strictObject({
  ruleId: z.string(),
  ruleIndex: z.int().min(0),
  level: z.enum(['error', 'warning', 'note']),
  message: text(10_000),
  locations: z.tuple([z.strictObject({ physicalLocation: place })]),
  partialFingerprints: z.strictObject({ primaryLocationLineHash: z.string().regex(/^[0-9a-f]{16}:1$/) }),
});
const log = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.literal('Sluice'),
            semanticVersion: z.string(),
            informationUri: z.url(),
            rules: z.array(rule).max(25_000),
          }),
        }),
        automationDetails: z.strictObject({ id: z.string().regex(/^sluice\/\w+\/$/) }),
        columnKind: z.literal('utf16CodeUnits'),
        results: z.array(result).max(5000),
      }),
    )
    .min(1)
    .max(20),
});

function sarif(report: ChecksReport): z.infer<typeof log> {
  const read = log.parse(JSON.parse(checksSarif(report) ?? ''));
  for (const run of read.runs) {
    const { rules } = run.tool.driver;
    expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
    for (const item of run.results) expect(rules[item.ruleIndex]?.id).toBe(item.ruleId);
  }
  const ids = read.runs.map(({ automationDetails }) => automationDetails.id);
  expect(new Set(ids).size).toBe(ids.length);
  return read;
}

const whole = judge(
  everything.filter(({ check }) => check.id !== 'trufflehog'),
  context(),
);

test('a run for each category, whose id ends with a slash so that each is a category of its own', () => {
  expect(
    sarif(whole).runs.map(({ automationDetails, results }) => [automationDetails.id, results.length]),
  ).toEqual([
    ['sluice/lint/', 3],
    ['sluice/test/', 1],
    ['sluice/scan/', 1],
  ]);
});

test('place, level, words and fingerprint of a finding', () => {
  const [lint, , scan] = sarif(whole).runs;
  expect(lint?.results[0]).toEqual({
    ruleId: 'ruff:F401',
    ruleIndex: 0,
    level: 'error',
    message: { text: '`os` imported but unused Remove the import.' },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'backend/app.py', uriBaseId: '%SRCROOT%' },
          region: { startLine: 1, startColumn: 8, endLine: 1, endColumn: 10 },
        },
      },
    ],
    partialFingerprints: { primaryLocationLineHash: `${whole.results[0]?.findings[0]?.fingerprint}:1` },
  });
  expect(scan?.tool.driver.rules[0]).toMatchObject({
    helpUri: 'https://avd.aquasec.com/nvd/cve-2020-8203',
    properties: { tags: ['scan', 'security'], 'security-severity': '8.0' },
  });
  expect(scan?.results[0]?.level).toBe('warning');
});

test('only a web page is linked', () => {
  const page = 'https://github.com/sluice-ci/sluice/blob/main/docs/rules/compose/memory-limit.md';
  const pages = [page, 'docs/rules/../../x.md', 'javascript:alert(1)'];
  const findings = pages.map((docs, index) => finding({ tool: 'sluice', rule: `r${index}`, docs }));
  const [run] = sarif(judge([ran('sluice', findings)], context())).runs;
  expect(run?.tool.driver.rules.map(({ helpUri }) => helpUri)).toEqual([page, undefined, undefined]);
});

describe('what would close alerts that are still true is not uploaded', () => {
  test('a category in which a check did not run', () => {
    expect(sarif(fullReport).runs.map(({ automationDetails }) => automationDetails.id)).toEqual([
      'sluice/lint/',
      'sluice/test/',
    ]);
  });

  test('a category of which a part was asked for', () => {
    const lint = [ran('ruff'), ran('mypy')].map(({ check }) => check);
    const report = judge(
      [ran('ruff'), { ...ran('pytest'), check: facts('pytest', { category: 'test' }) }],
      context({ planned: lint }),
    );
    expect(report.partial).toEqual(['lint']);
    expect(sarif(report).runs.map(({ automationDetails }) => automationDetails.id)).toEqual(['sluice/test/']);
  });

  test('no category at all is no file', () => {
    expect(checksSarif(judge([], context()))).toBeUndefined();
  });
});

test('what is accepted raises no alert', () => {
  const report = judge(
    [ran('ruff', [finding()])],
    context({ settings: { ...settings, ignore: { F401: 'x' } } }),
  );
  expect(sarif(report).runs[0]?.results).toEqual([]);
});

test('of more than GitHub takes the worst stay, and the file is small enough', () => {
  // Text that compresses as badly as text can.
  const noise = randomBytes(1_500_000).toString('base64');
  const many = Array.from({ length: 6000 }, (_, index) =>
    finding({
      rule: `R${index % 7}`,
      message: noise.slice(index * 300, index * 300 + 1500),
      at: { file: 'a.py', line: index + 1 },
    }),
  );
  const report = judge([ran('ruff', [...many, finding({ rule: 'worst', severity: 'critical' })])], context());
  const run = sarif(report).runs[0];
  expect([run?.results.length, run?.results[0]?.ruleId]).toEqual([5000, 'ruff:worst']);
  // GitHub's limit for the compressed file is 10 MB.
  expect(gzipSync(checksSarif(report) ?? '').length).toBeLessThan(10_000_000);
});

const fixed = new Set(['verdict', 'status', 'category', 'level', 'severity', 'outcome', 'fingerprint']);

test('foreign text breaks nothing, and what has no place or text gets one', () => {
  for (const seed of hostileTexts.keys()) sarif(hostile(whole, seed, fixed));
  const scan = (more: Partial<RawResult>): RawResult => ({
    ...ran('trivy', [cve], more),
    check: facts('trivy', { category: 'scan' }),
  });
  const { at: _, ...nowhere } = cve;
  const odd = [
    { ...nowhere, message: '' },
    { ...cve, at: { file: 'a b/ü#?.py', line: 3 }, endLine: 9, docs: 'javascript:alert(1)' },
  ];
  const run = sarif(judge([scan({ output: { ran: true, findings: odd } })], context())).runs[0];
  expect(
    run?.results.map(({ locations }) => locations[0].physicalLocation.artifactLocation.uri).sort(),
  ).toEqual(['a%20b/%C3%BC%23%3F.py', 'sluice.yml']);
});
