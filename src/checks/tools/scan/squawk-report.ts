import { z } from 'zod';
import type { Finding } from '../../model.ts';
import type { ToolRun } from '../../tool.ts';
import { type Answer, jsonAnswer, sentence } from '../answer.ts';

const shape = z.array(
  z.object({
    file: z.string(),
    /** Counts from 0, as does the column. */
    line: z.number(),
    line_end: z.number().optional(),
    column: z.number(),
    message: z.string(),
    help: z.string().nullish(),
    rule_name: z.string(),
  }),
);
export type SquawkFinding = z.infer<typeof shape>[number];

/** squawk exits with 1 for findings and for missing files; then it prints no JSON. */
export function readSquawk(run: ToolRun): Answer<SquawkFinding[]> {
  return jsonAnswer(run, {
    name: 'squawk',
    codes: [0, 1],
    findingsCode: 1,
    shape,
    count: (said) => said.length,
  });
}

/** Rules about style, and about settings that a deploy makes for all migrations (PGOPTIONS): they block no migration. */
const advice =
  /^prefer-|^require-(?:lock|statement)-timeout$|^require-timeout-settings$|^(?:ban-char-field|identifier-too-long|require-table-schema)$/;

/** The place of a finding of squawk in the repository. */
export interface SqlPlace {
  readonly file: string;
  /** From 0; for rendered SQL the beginning of its migration. */
  readonly line?: number;
  readonly endLine?: number;
  /** Whether it is in the change: only new migrations can still be rewritten. */
  readonly isNew: boolean;
  /** The statement, for rendered SQL. */
  readonly statement?: string;
}

export function squawkFinding(found: SquawkFinding, place: SqlPlace): Finding {
  const rule = found.rule_name;
  const isAdvice = advice.test(rule);
  const unparsed = rule === 'syntax-error';
  const severity = isAdvice ? 'low' : unparsed ? 'medium' : 'high';
  // Newer syntax than squawk knows may be valid for PostgreSQL.
  const level = !place.isNew || isAdvice ? 'note' : unparsed ? 'review' : 'fail';
  const { file, line, endLine, statement } = place;
  return {
    tool: 'squawk',
    rule,
    severity,
    level,
    message: `${sentence(found.message)}${statement === undefined ? '' : ` In: ${sentence(statement).slice(0, 200)}`}`,
    at: {
      file,
      ...(line === undefined ? {} : { line: line + 1 }),
      ...(line === undefined || statement !== undefined ? {} : { column: found.column + 1 }),
    },
    ...(line !== undefined && endLine !== undefined && endLine > line ? { endLine: endLine + 1 } : {}),
    ...(found.help ? { fix: sentence(found.help) } : {}),
    docs: `https://squawkhq.com/docs/${rule}`,
    ...(statement === undefined ? {} : { subject: statement.replace(/\s+/g, ' ').slice(0, 200) }),
  };
}
