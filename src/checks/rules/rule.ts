import { docsUrl } from '../../kernel/docs.ts';
import type { Finding, Level, Severity } from '../model.ts';

/** The texts of a rule, for its findings and for its page in docs/rules. */
export interface RuleText {
  /** `dockerfile/copy-before-install`: subject and fault. */
  readonly id: string;
  readonly severity: Severity;
  readonly level: Level;
  /** A whole sentence that states the right way. */
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  /** The authority for the rule. */
  readonly source: { readonly name: string; readonly url?: string };
  readonly example: RuleExample;
}

/** Files that show the rule; the tests run them: it finds something in `bad`, and nothing in `good`. */
export interface RuleExample {
  readonly file: string;
  readonly bad: string;
  readonly good: string;
  /** Files that both need beside it. */
  readonly beside?: Readonly<Record<string, string>>;
}

/** A rule is its text and a pure function. */
export interface Rule<Subject> extends RuleText {
  readonly check: (subject: Subject) => readonly Hit[];
}

/** One place where a rule is broken. */
export interface Hit {
  readonly file: string;
  /** From 1; undefined: the file as a whole, or one that should be there. */
  readonly line?: number | undefined;
  readonly endLine?: number | undefined;
  /** In whole sentences; never holds the value of a secret. */
  readonly message: string;
  /** Overrides that of the rule; so do severity and level. */
  readonly fix?: string;
  readonly subject?: string;
  readonly severity?: Severity;
  readonly level?: Level;
}

/** The tool of all findings of Sluice's own rules. */
export const toolName = 'sluice';

/** Address of the page of a rule. */
function pageOf(id: string): string {
  return docsUrl(`rules/${id}`);
}

export function apply<Subject>(rules: readonly Rule<Subject>[], subject: Subject): Finding[] {
  return rules.flatMap((rule) => rule.check(subject).map((hit) => findingOf(rule, hit)));
}

export function findingOf(rule: RuleText, hit: Hit): Finding {
  const place = { file: hit.file, ...(hit.line === undefined ? {} : { line: hit.line }) };
  return {
    tool: toolName,
    rule: rule.id,
    severity: hit.severity ?? rule.severity,
    level: hit.level ?? rule.level,
    message: hit.message,
    at: place,
    ...(hit.endLine === undefined || hit.endLine === hit.line ? {} : { endLine: hit.endLine }),
    fix: hit.fix ?? rule.fix,
    docs: pageOf(rule.id),
    ...(hit.subject === undefined ? {} : { subject: hit.subject }),
  };
}
