import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../../src/checks/model.ts';
import { mergeFindings } from '../../../../src/checks/verdict/merge.ts';
import { cve, finding } from '../../../support/checks/fixtures.ts';

const dockerfile = (tool: string, rule: string, line?: number): Finding =>
  finding({
    tool,
    rule,
    message: `${tool} says so`,
    at: { file: 'Dockerfile', ...(line !== undefined && { line }) },
  });

/** Each finding by a check of its own, in this order. */
const merge = (...findings: readonly Finding[]) =>
  mergeFindings(findings.map((item, check) => ({ check, finding: item })));
const shown = (...findings: readonly Finding[]) =>
  merge(...findings).map(({ finding: { tool, rule }, also }) => [`${tool} ${rule}`, ...also].join(' + '));

describe('the same, said by several tools', () => {
  test.each<[string, readonly Finding[], readonly string[]]>([
    [
      'a vulnerability of one package, under the names of two databases, in two files of a folder',
      [
        cve,
        {
          ...cve,
          tool: 'npm-audit',
          rule: 'GHSA-p6mc-m468-83gw',
          message: 'CVE-2020-8203',
          at: { file: 'frontend/package.json' },
        },
      ],
      ['trivy CVE-2020-8203 + npm-audit'],
    ],
    [
      'an unused import',
      [finding(), finding({ tool: 'flake8', message: 'unused' }), finding({ tool: 'pylint', rule: 'W0611' })],
      ['ruff F401 + flake8 + pylint'],
    ],
    [
      'an unused variable in TypeScript',
      [
        finding({ tool: 'eslint', rule: '@typescript-eslint/no-unused-vars' }),
        finding({ tool: 'tsc', rule: 'TS6133' }),
      ],
      ['eslint @typescript-eslint/no-unused-vars + tsc'],
    ],
    [
      'root, wherever each tool sees it, in Trivy’s old and new names',
      [
        dockerfile('sluice', 'dockerfile/root-user', 1),
        dockerfile('hadolint', 'DL3002', 9),
        dockerfile('trivy', 'AVD-DS-0002'),
        dockerfile('trivy', 'DS002'),
      ],
      ['sluice dockerfile/root-user + hadolint + trivy'],
    ],
    [
      'a floating tag',
      [dockerfile('hadolint', 'DL3007', 1), dockerfile('trivy', 'DS-0001', 1)],
      ['hadolint DL3007 + trivy'],
    ],
    ['a file that two checks of one tool read', [finding(), finding()], ['ruff F401']],
  ])('%s', (_, findings, expected) => {
    expect(shown(...findings)).toEqual(expected);
  });

  test('the worst level and severity win, and no place, fix or page is lost', () => {
    const [merged] = merge(
      { ...dockerfile('trivy', 'DS-0002'), level: 'note', severity: 'low' },
      {
        ...dockerfile('hadolint', 'DL3002', 9),
        level: 'review',
        severity: 'high',
        fix: 'USER app',
        docs: 'https://x.example',
      },
    );
    expect(merged).toMatchObject({
      check: 0,
      finding: {
        tool: 'trivy',
        level: 'review',
        severity: 'high',
        fix: 'USER app',
        docs: 'https://x.example',
        at: { line: 9 },
      },
      also: ['hadolint'],
    });
    expect(merged?.levels).toEqual(
      new Map([
        [0, 'review'],
        [1, 'review'],
      ]),
    );
  });
});

describe('what is not the same', () => {
  test.each<[string, readonly Finding[]]>([
    ['the same package in two projects', [cve, { ...cve, at: { file: 'admin/package-lock.json' } }]],
    ['another package with the same advisory', [cve, { ...cve, subject: 'npm:lodash-es' }]],
    [
      'the same rule at another line',
      [finding(), finding({ tool: 'flake8', at: { file: 'backend/app.py', line: 2 } })],
    ],
    [
      'the same rule in another file',
      [dockerfile('hadolint', 'DL3002', 1), { ...dockerfile('trivy', 'DS-0002'), at: { file: 'b' } }],
    ],
    [
      'rules with one name of tools that have nothing in common',
      [finding({ rule: 'X1' }), finding({ rule: 'X1', tool: 'eslint' })],
    ],
    [
      'equal rules without a line',
      [finding({ at: { file: 'a' } }), finding({ tool: 'flake8', at: { file: 'a' } })],
    ],
  ])('%s', (_, findings) => {
    expect(merge(...findings)).toHaveLength(2);
  });

  test('two imports on one line stay two, each with its counterpart', () => {
    const at = (column: number) => ({ file: 'a.py', line: 1, column });
    const found = [
      { check: 0, finding: finding({ at: at(8), message: 'os' }) },
      { check: 0, finding: finding({ at: at(12), message: 'sys' }) },
      { check: 1, finding: finding({ tool: 'flake8', at: at(1), message: 'sys!' }) },
      { check: 1, finding: finding({ tool: 'flake8', at: at(1), message: 'os!' }) },
      { check: 1, finding: finding({ tool: 'flake8', at: at(1), message: 're!' }) },
    ];
    expect(mergeFindings(found).map(({ finding: { message }, also }) => [message, ...also])).toEqual([
      ['os', 'flake8'],
      ['sys', 'flake8'],
      ['sys!'],
    ]);
  });

  test('what one check prints twice, to the letter, is one, and the worst of it', () => {
    for (const levels of [
      ['note', 'fail'],
      ['fail', 'note'],
    ] as const) {
      const found = levels.map((level) => ({ check: 0, finding: finding({ level }) }));
      expect(mergeFindings(found).map((mergedFinding) => mergedFinding.finding.level)).toEqual(['fail']);
    }
  });
});
