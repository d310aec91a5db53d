import { LineCounter, parseAllDocuments } from 'yaml';
import { codeBlocksOf } from './markdown.ts';
import type { File, Finding } from './model.ts';

/** YAML of a page: its text, and the line of the page where it begins. */
export interface Example {
  readonly text: string;
  readonly line: number;
  readonly isWorkflow: boolean;
}

export function examplesOf(page: string): Example[] {
  return codeBlocksOf(page)
    .filter(({ language }) => language === 'yaml' || language === 'yml')
    .map(({ text, line }) => ({ text, line, isWorkflow: /^jobs:/m.test(text) && /^on:|^"on":/m.test(text) }));
}

/** Examples that do not parse, and examples of actions that nobody can copy as they are. */
export function yamlFindings({ path, text }: File): Finding[] {
  return examplesOf(text).flatMap((example) => {
    const lines = new LineCounter();
    const documents = parseAllDocuments(example.text, { lineCounter: lines, logLevel: 'silent' });
    const findings = documents.flatMap(({ errors }) =>
      errors.slice(0, 1).map((error): Finding => {
        const { line } = lines.linePos(error.pos[0]);
        const found = example.text.split('\n')[line - 1]?.trim() ?? '';
        return { path, line: example.line + line - 1, found, better: `valid YAML (${error.code})` };
      }),
    );
    if (
      findings.length === 0 &&
      /^actions\//.test(path) &&
      !example.isWorkflow &&
      /^\s*(?:- )?uses:/m.test(example.text)
    )
      findings.push({
        path,
        line: example.line,
        found: example.text.split('\n')[0] ?? '',
        better: 'a whole workflow: name, on, jobs',
      });
    return findings;
  });
}
