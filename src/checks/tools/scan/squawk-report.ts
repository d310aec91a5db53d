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

/** It exits with 1 for findings as for files that it does not find; then it prints no JSON. */
export function readSquawk(run: ToolRun): Answer<SquawkFinding[]> {
  return jsonAnswer(run, {
    name: 'squawk',
    codes: [0, 1],
    findingsCode: 1,
    shape,
    count: (said) => said.length,
  });
}

/** Rules about style, and about what a deploy sets for all migrations (PGOPTIONS): no migration waits for them. */
const advice =
  /^prefer-|^require-(?:lock|statement)-timeout$|^require-timeout-settings$|^(?:ban-char-field|identifier-too-long|require-table-schema)$/;

/** Where a finding in linted SQL belongs in the repository. */
export interface SqlPlace {
  readonly file: string;
  /** From 0; of SQL that was rendered, whose lines are in no file, where its migration begins. */
  readonly line?: number;
  readonly endLine?: number;
  /** In the change: only then there is still time to write it in another way. */
  readonly isNew: boolean;
  /** The statement, for SQL that was rendered. */
  readonly statement?: string;
}

export function squawkFinding(found: SquawkFinding, place: SqlPlace): Finding {
  const rule = found.rule_name;
  const isAdvice = advice.test(rule);
  const unparsed = rule === 'syntax-error';
  const severity = isAdvice ? 'low' : unparsed ? 'medium' : 'high';
  // What it can't parse may be newer than it is: PostgreSQL decides.
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
