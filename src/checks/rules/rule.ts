import type { Finding, Level, Severity } from '../model.ts';

/** What is said of a rule: by its findings, and by its page in docs/rules. */
export interface RuleText {
  /** `dockerfile/copy-before-install`: what it is about, and what is wrong. */
  readonly id: string;
  readonly severity: Severity;
  readonly level: Level;
  /** A whole sentence: what should be. */
  readonly title: string;
  readonly why: string;
  readonly fix: string;
  /** What the rule rests on. */
  readonly source: { readonly name: string; readonly url?: string };
  readonly example: RuleExample;
}

/** Files that show the rule; the tests run them: it finds something in `bad`, and nothing in `good`. */
export interface RuleExample {
  /** Path of the file that is shown. */
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
  /** Over that of the rule. */
  readonly fix?: string;
  readonly subject?: string;
  readonly severity?: Severity;
  readonly level?: Level;
}

/** What all findings of ours name as their tool. */
export const toolName = 'sluice';

/** Page of a rule, from the top of this project. */
export function pageOf(id: string): string {
  return `docs/rules/${id}.md`;
}

/** Every rule over one subject. */
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
