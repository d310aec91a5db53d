import type {
  CheckFacts,
  CheckOutput,
  ChecksReport,
  Finding,
  RawResult,
  TestTotals,
} from '../../../src/checks/model.ts';
import { type JudgeContext, judge } from '../../../src/checks/verdict/judge.ts';
import type { CheckSettings } from '../../../src/config/model.ts';
import { memoryRepo } from './repo.ts';

export const settings: CheckSettings = {
  skip: {},
  ignore: {},
  baseline: '.sluice-baseline.json',
  timeoutMs: 600_000,
  timeouts: {},
  tools: 'auto',
  env: [],
  scan: { failOn: 'HIGH', unfixed: 'review', history: false, verifySecrets: true, images: false },
  coverage: { total: undefined, changed: undefined, codecov: false },
};

export const sources = {
  'backend/app.py': 'import os\nimport sys\n\n\ndef main():\n    return undefined_name\n',
  'backend/requirements.txt': 'fastapi==0.100.0\njinja2==2.4.1\n',
  'frontend/package-lock.json': '{\n  "lodash": "4.17.15"\n}\n',
  'backend/Dockerfile': 'FROM python:latest\nCOPY . .\nRUN pip install -r requirements.txt\nUSER root\n',
  '.env': 'SECRET_KEY=abcdef\n',
};

export function finding(more: Partial<Finding> = {}): Finding {
  return {
    tool: 'ruff',
    rule: 'F401',
    severity: 'medium',
    level: 'fail',
    message: '`os` imported but unused',
    at: { file: 'backend/app.py', line: 1, column: 8 },
    ...more,
  };
}

export function facts(id: string, more: Partial<CheckFacts> = {}): CheckFacts {
  const tool = id.split(' ')[0] ?? id;
  const why = 'backend/pyproject.toml has it';
  return { id, tool, category: 'lint', folder: 'backend', why, command: `${tool} .`, ...more };
}

export function ran(id: string, findings: readonly Finding[] = [], more: Partial<RawResult> = {}): RawResult {
  return { check: facts(id), output: { ran: true, findings }, seconds: 1.2, ...more };
}

export function missing(id: string, why: string, more: Partial<CheckOutput> = {}): RawResult {
  return { check: facts(id), output: { ran: false, why, ...more } as CheckOutput, seconds: 0.1 };
}

export function context(more: Partial<JudgeContext> = {}): JudgeContext {
  return {
    repo: memoryRepo(sources),
    settings,
    baseline: { file: '.sluice-baseline.json', entries: [] },
    changed: undefined,
    now: Date.parse('2026-11-21T12:00:00Z'),
    seconds: 12.4,
    ...more,
  };
}

const tests: TestTotals = {
  passed: 1204,
  failed: 1,
  skipped: 3,
  flaky: 1,
  seconds: 41.5,
  slowest: [
    { name: 'tests/test_books.py::test_search', seconds: 4.2, outcome: 'passed' },
    { name: 'tests/test_books.py::test_list', seconds: 2.1, outcome: 'failed' },
  ],
  flakyTests: ['tests/test_mail.py::test_sends'],
};

export const cve = finding({
  tool: 'trivy',
  rule: 'CVE-2020-8203',
  severity: 'high',
  level: 'review',
  message: 'lodash 4.17.15 has a prototype pollution; there is no fixed version yet.',
  subject: 'npm:lodash',
  docs: 'https://avd.aquasec.com/nvd/cve-2020-8203',
  at: { file: 'frontend/package-lock.json', line: 2 },
});

/** One of everything. */
export const everything: readonly RawResult[] = [
  ran('ruff', [
    finding({ fix: 'Remove the import.', docs: 'https://docs.astral.sh/ruff/rules/unused-import' }),
    finding({ at: { file: 'backend/app.py', line: 2, column: 8 }, message: '`sys` imported but unused' }),
    finding({
      rule: 'D100',
      level: 'note',
      severity: 'info',
      message: 'Missing docstring',
      at: { file: 'backend/app.py' },
    }),
  ]),
  ran('black'),
  { ...ran('mypy'), output: undefined, skipReason: 'stubs are being written' },
  {
    ...ran('pytest'),
    check: facts('pytest', { category: 'test', command: 'pytest --cov=app' }),
    output: {
      ran: true,
      findings: [
        finding({
          tool: 'pytest',
          rule: 'tests/test_books.py::test_list',
          subject: 'tests/test_books.py::test_list',
          message: 'assert 3 == 4',
          at: { file: 'backend/tests/test_books.py', line: 12 },
        }),
      ],
      version: '9.2.0',
      summary: '1,208 tests',
      tests,
    },
    seconds: 43.2,
  },
  { ...ran('trivy', [cve]), check: facts('trivy', { category: 'scan', folder: '', command: 'trivy fs .' }) },
  {
    ...missing('trufflehog', 'its output ended in the middle', {
      fix: 'Run it again.',
      output: 'panic: boom\n::error::x',
    }),
    check: facts('trufflehog', { category: 'scan', folder: '', command: 'trufflehog git file://.' }),
  },
];

export const changed = {
  base: 'f750c48a0b1c2d3e4f5061728394a5b6c7d8e9f0',
  files: new Map([['backend/app.py', new Set([2])]]),
};

export const fullReport: ChecksReport = judge(
  everything,
  context({
    changed,
    coverage: {
      total: 0.912,
      changed: 0.4,
      lines: 4812,
      changedLines: 20,
      missedInChange: { 'backend/app.py': [12, 13, 14, 20] },
    },
    notes: ['Something about the run.'],
  }),
);
