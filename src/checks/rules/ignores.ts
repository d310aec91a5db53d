import { docsUrl } from '../../kernel/docs.ts';
import type { Finding } from '../model.ts';
import { findingOf, type Rule } from './rule.ts';

/** `# sluice: ignore RULE reason`, on the line of a finding or above it. */
interface Ignore {
  readonly line: number;
  readonly rule: string;
  readonly reason: string;
  /** Its line has only the comment, so it applies to the next line. */
  readonly alone: boolean;
}

interface Commented {
  readonly path: string;
  readonly text: string;
}

export const ignoreReason: Rule<readonly Commented[]> = {
  id: 'sluice/ignore-reason',
  severity: 'medium',
  level: 'fail',
  title: 'A comment that ignores a rule names the rule and the reason.',
  why: 'A year later the reason shows whether the exception is still valid.',
  fix: 'Write # sluice: ignore RULE REASON.',
  source: { name: 'Sluice: inline ignores' },
  example: {
    file: 'Dockerfile',
    bad: `FROM python:3.13-slim
# sluice: ignore dockerfile/root-user
USER root
`,
    good: `FROM python:3.13-slim
# sluice: ignore dockerfile/root-user needs port 25, and drops to nobody once it has it
USER root
`,
  },
  check: (files) =>
    files.flatMap(({ path, text }) =>
      ignoresIn(text).flatMap(({ line, rule, reason }) => {
        if (rule === '') return { file: path, line, message: 'The comment does not name a rule.' };
        if (reason === '')
          return { file: path, line, message: `The comment ignores ${rule} without a reason.` };
        return [];
      }),
    ),
};

export const ignoreUnknown: Rule<readonly (Commented & { readonly known: ReadonlySet<string> })[]> = {
  id: 'sluice/ignore-unknown',
  severity: 'low',
  level: 'fail',
  title: 'A comment that ignores a rule names an existing rule.',
  why: 'With a typo in the name the rule keeps failing, and the comment looks right.',
  fix: `See ${docsUrl('rules')} for all rules.`,
  source: { name: 'Sluice: inline ignores' },
  example: {
    file: 'Dockerfile',
    bad: `FROM python:3.13-slim
# sluice: ignore dockerfile/as-root drops to nobody by itself
USER 10001
`,
    good: `FROM python:3.13-slim
# sluice: ignore dockerfile/root-user drops to nobody by itself
USER root
`,
  },
  check: (files) =>
    files.flatMap(({ path, text, known }) =>
      ignoresIn(text)
        .filter(({ rule }) => rule !== '' && !known.has(rule))
        .map(({ line }) => ({
          file: path,
          line,
          message: 'The comment ignores a rule that does not exist.',
        })),
    ),
};

const comment = /(^|\s)#\s*sluice:\s*ignore\b[ \t:]*(?:([\w./-]+)(?:[ \t:,-]+([\s\S]*))?)?$/;

export function ignoresIn(text: string): Ignore[] {
  return text.split(/\r?\n/).flatMap((content, index) => {
    const match = content.length > 2_000 ? null : comment.exec(content);
    if (match === null) return [];
    const [, , rule = '', reason = ''] = match;
    return { line: index + 1, rule, reason: reason.trim(), alone: /^\s*#/.test(content) };
  });
}

/**
 * Removes findings that a comment in their file ignores with a reason.
 *
 * @param read text of a file.
 */
export function withoutIgnored(
  findings: readonly Finding[],
  read: (path: string) => string | undefined,
): Finding[] {
  const known = new Map<string, { ignores: readonly Ignore[]; lines: readonly string[] }>();
  const fileOf = (path: string) => {
    const text = read(path) ?? '';
    const file = known.get(path) ?? { ignores: ignoresIn(text), lines: text.split(/\r?\n/) };
    known.set(path, file);
    return file;
  };
  return findings.filter((finding) => {
    if (finding.at === undefined) return true;
    const { ignores, lines } = fileOf(finding.at.file);
    if (ignores.length === 0) return true;
    const first = finding.at.line ?? 1;
    const last = finding.endLine ?? first;
    const top = firstComment(lines, first);
    return !ignores.some(
      ({ line, rule, reason, alone }) =>
        rule === finding.rule && reason !== '' && line <= last && (line >= first || (alone && line >= top)),
    );
  });
}

/** Line of the first of the comments right above a line. */
function firstComment(lines: readonly string[], line: number): number {
  let top = line;
  while (top > 1 && /^\s*#/.test(lines[top - 2] ?? '')) top--;
  return top;
}

/** Faults of the ignore comments themselves. */
export function judgeIgnores(files: readonly Commented[], known: ReadonlySet<string>): Finding[] {
  const withNames = files.map((file) => ({ ...file, known }));
  return [
    ...ignoreReason.check(files).map((hit) => findingOf(ignoreReason, hit)),
    ...ignoreUnknown.check(withNames).map((hit) => findingOf(ignoreUnknown, hit)),
  ];
}
