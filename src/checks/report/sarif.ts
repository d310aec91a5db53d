import { home } from '../../kernel/docs.ts';
import { version } from '../../kernel/version.ts';
import { plain } from '../../report/text.ts';
import { httpUrl } from '../../report/url.ts';
import {
  type Category,
  type ChecksReport,
  categories,
  type JudgedFinding,
  type Level,
  type Severity,
  severities,
} from '../model.ts';
import { worstFirst } from '../verdict/judge-findings.ts';

/**
 * Findings as SARIF 2.1.0 for code scanning, as GitHub reads it (its docs: "SARIF support for code scanning"): a run for each
 * category. undefined if there is no run to upload.
 *
 * Accepted findings are left out, since GitHub ignores suppressions. So is a category of which a check did not run or was not
 * selected: GitHub closes alerts that are missing from an upload.
 */
export function checksSarif(report: ChecksReport): string | undefined {
  const runs = categories.flatMap((category) => {
    const results = report.results.filter(({ check }) => check.category === category);
    if (results.length === 0 || report.partial.includes(category)) return [];
    if (results.some(({ status }) => status === 'did-not-run')) return [];
    return [
      runOf(
        category,
        results.flatMap(({ findings }) => findings),
      ),
    ];
  });
  if (runs.length === 0) return undefined;
  const log = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs };
  return `${JSON.stringify(log)}\n`;
}

/** GitHub keeps the first 5,000 results of a run and refuses 25,000; the worst come first. */
const mostResults = 5000;
/** Keeps these results below GitHub's limit of 10 MB for a compressed file. */
const mostText = 1000;

function runOf(category: Category, findings: readonly JudgedFinding[]) {
  const kept = findings
    .filter((finding) => finding.accepted === undefined)
    .toSorted(worstFirst)
    .slice(0, mostResults);
  const rules = [...Map.groupBy(kept, ruleId).entries()];
  const indexes = new Map(rules.map(([id], index) => [id, index]));
  return {
    tool: {
      driver: {
        name: 'Sluice',
        semanticVersion: version,
        informationUri: home,
        rules: rules.map(([id, same]) => ruleOf(id, category, same)),
      },
    },
    // The part before the last slash is the category. GitHub rejects several runs of one category.
    automationDetails: { id: `sluice/${category}/` },
    columnKind: 'utf16CodeUnits',
    results: kept.map((finding) => resultOf(finding, indexes.get(ruleId(finding)) ?? 0)),
  };
}

const levels: Readonly<Record<Level, 'error' | 'warning' | 'note'>> = {
  fail: 'error',
  review: 'warning',
  note: 'note',
};

/** GitHub: over 9.0 is critical, from 7.0 high, from 4.0 medium, from 0.1 low. */
const scores: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '2.0',
  info: '0.1',
};

function ruleId({ tool, rule }: JudgedFinding): string {
  return short(`${tool}:${rule}`, 255);
}

function ruleOf(id: string, category: Category, same: readonly JudgedFinding[]) {
  const [first] = same;
  const { tool, rule, message, fix } = first as JudgedFinding;
  const severity =
    severities.find((severity) => same.some((finding) => finding.severity === severity)) ?? 'info';
  // With several findings of one rule, the message of one is wrong for the others.
  const what = same.length === 1 ? message : `${rule} of ${tool}`;
  const docs = httpUrl(same.find(({ docs }) => docs !== undefined)?.docs);
  const help = [fix ?? `See the documentation of ${tool} for ${rule}.`, docs ?? '']
    .filter((part) => part !== '')
    .join(' ');
  return {
    id,
    shortDescription: { text: short(`${tool}: ${rule}`, 1024) },
    fullDescription: { text: short(what, 1024) },
    help: { text: short(help, 2048) },
    ...(docs !== undefined && { helpUri: docs }),
    properties: {
      tags: [category, ...(category === 'scan' ? ['security'] : [])],
      ...(category === 'scan' && { 'security-severity': scores[severity] }),
    },
  };
}

function resultOf(finding: JudgedFinding, ruleIndex: number) {
  const { level, message, fix, fingerprint } = finding;
  return {
    ruleId: ruleId(finding),
    ruleIndex,
    level: levels[level],
    message: { text: short(fix === undefined ? message : `${message} ${fix}`, mostText) },
    locations: [{ physicalLocation: placeOf(finding) }],
    // GitHub reads only this one; those it computes itself have this form.
    partialFingerprints: { primaryLocationLineHash: `${fingerprint}:1` },
  };
}

/** GitHub does not show results without a place, and requires a complete region. */
function placeOf({ at, endLine, code }: JudgedFinding) {
  const startLine = at?.line ?? 1;
  const startColumn = at?.column ?? 1;
  const lastLine = Math.max(startLine, endLine ?? startLine);
  const endColumn = lastLine > startLine ? 1 : Math.max(startColumn + 1, (code?.length ?? 0) + 1);
  return {
    // A finding without a file is about the repository: sluice.yml is the nearest place.
    artifactLocation: { uri: uriOf(at?.file ?? 'sluice.yml'), uriBaseId: '%SRCROOT%' },
    region: { startLine, startColumn, endLine: lastLine, endColumn },
  };
}

function uriOf(file: string): string {
  return file.toWellFormed().split('/').map(encodeURIComponent).join('/');
}

/** Never empty, which GitHub refuses; and without links, which SARIF has in messages (2.1.0, section 3.11.6). */
function short(text: string, limit: number): string {
  const clean = plain(text.slice(0, limit * 4))
    .replaceAll('](', '] (')
    .trim();
  if (clean === '') return '(no text)';
  return clean.length <= limit ? clean : `${clean.slice(0, limit - 1).toWellFormed()}…`;
}
