import type { CheckSettings } from '../../config/model.ts';
import { type ChangedLines, type Finding, type JudgedFinding, severities } from '../model.ts';
import type { Repo } from '../repo.ts';
import { type Baseline, type BaselineEntry, isInForce } from './baseline.ts';
import { byPlace, compare, fingerprints, type LinesOf } from './fingerprint.ts';
import { byLevel, type Found, type MergedFinding, mergeFindings } from './merge.ts';

export interface FindingsContext {
  readonly repo: Pick<Repo, 'read'>;
  readonly settings: CheckSettings;
  readonly baseline: Baseline;
  /** undefined if the base of the change is unknown. */
  readonly changed: ChangedLines | undefined;
  /** Wall clock, ms since the epoch, for expiry dates. */
  readonly now: number;
}

export interface Judged extends MergedFinding {
  readonly finding: JudgedFinding;
}

/**
 * Findings of all checks, merged, with their fingerprints, and compared with sluice.yml, the baseline and the change.
 * Findings that sluice.yml ignores are not merged with those of other tools, since it ignores a rule of one tool.
 */
export function judgeFindings(found: readonly Found[], context: FindingsContext): Judged[] {
  const { ignore } = context.settings;
  const { entries } = context.baseline;
  const linesOf = readOnce(context.repo);
  const inForce = entries.filter((entry) => isInForce(entry, context.now));
  const accepting = new Map(inForce.map((entry) => [entry.fingerprint, entry]));
  const secretLines = new Set(
    found.filter(({ finding }) => mayHoldSecret(finding)).map(({ finding }) => lineKey(finding)),
  );

  const judgeAll = (part: readonly Found[], realm: string, accept: Accept): Judged[] => {
    const merged = mergeFindings(part);
    const findings = merged.map(({ finding }) => finding);
    const prints = fingerprints(findings, linesOf, realm);
    return merged.map((one, index) => {
      const { finding } = one;
      const fingerprint = prints[index] ?? '';
      const inChange = touches(context.changed, finding);
      const code = secretLines.has(lineKey(finding)) ? undefined : codeOf(finding, linesOf);
      const accepted = accept(finding, fingerprint);
      return {
        ...one,
        finding: {
          ...finding,
          fingerprint,
          also: one.also,
          ...(inChange !== undefined && { inChange }),
          ...(accepted && { accepted }),
          ...(code !== undefined && { code }),
        },
      };
    });
  };
  const isIgnored = ({ finding }: Found) => Object.hasOwn(ignore, finding.rule);
  return [
    ...judgeAll(
      found.filter((one) => !isIgnored(one)),
      '',
      (_, fingerprint) => acceptedBy(accepting.get(fingerprint)),
    ),
    ...judgeAll(found.filter(isIgnored), 'ignored', ({ rule }) => ({
      reason: `sluice.yml ignores ${rule}: ${ignore[rule]}`,
    })),
  ];
}

type Accept = (finding: Finding, fingerprint: string) => JudgedFinding['accepted'];

function acceptedBy(entry: BaselineEntry | undefined): JudgedFinding['accepted'] {
  if (entry === undefined) return undefined;
  return { reason: entry.reason, ...(entry.until !== undefined && { until: entry.until }) };
}

/** Accepted findings last; then by level, the change first, by severity, by place. */
export function worstFirst(a: JudgedFinding, b: JudgedFinding): number {
  return (
    Number(a.accepted !== undefined) - Number(b.accepted !== undefined) ||
    byLevel(a.level, b.level) ||
    Number(b.inChange === true) - Number(a.inChange === true) ||
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    byPlace(a.at, b.at) ||
    compare(a.rule, b.rule) ||
    compare(a.fingerprint, b.fingerprint)
  );
}

/** A finding without a line is in the change if its file is; for one without a file it is undefined. */
function touches(changed: ChangedLines | undefined, { at, endLine }: Finding): boolean | undefined {
  if (changed === undefined || at === undefined) return undefined;
  const lines = changed.files.get(at.file);
  const first = at.line;
  if (first === undefined || lines === undefined) return lines !== undefined;
  const last = Math.max(first, endLine ?? first);
  return lines.has(first) || [...lines].some((line) => line >= first && line <= last);
}

function codeOf({ at }: Finding, linesOf: LinesOf): string | undefined {
  const line = at?.line === undefined ? undefined : linesOf(at.file)?.[at.line - 1];
  const shown = line?.slice(0, 300).trimEnd().toWellFormed();
  return shown === undefined || shown.trim() === '' ? undefined : shown;
}

function lineKey({ at }: Finding): string {
  return `${at?.file}:${at?.line}`;
}

function readOnce(repo: Pick<Repo, 'read'>): LinesOf {
  const known = new Map<string, readonly string[] | undefined>();
  return (file) => {
    if (!known.has(file)) known.set(file, repo.read(file)?.split(/\r?\n/));
    return known.get(file);
  };
}

const scanners = new Set(['trufflehog', 'gitleaks', 'secretlint', 'detect-secrets']);

/** Ruff's and bandit's rules for passwords in code; Trivy's for secrets in ENV and ARG. */
const codes = /^(S10[5-7]|B10[5-7]|(AVD-)?DS-?0*31)$/;
/** Sluice's rules about variables read values; other rules are recognized by their names. */
const words = /^env\/|secret|passw|credential|token|api-?key|private-?key/i;

export function isSecretScanner(tool: string): boolean {
  return scanners.has(tool);
}

/** Whether the line of a finding may contain a secret: then reports must not show it. */
function mayHoldSecret({ tool, rule, at }: Finding): boolean {
  const name = at?.file.split('/').at(-1) ?? '';
  const secretFile = /^\.env(\.|$)|\.(env|pem|key)$/.test(name);
  return secretFile || scanners.has(tool) || codes.test(rule) || words.test(rule);
}
