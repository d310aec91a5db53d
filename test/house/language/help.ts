import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { filesOf } from './files.ts';
import { type File, type Finding, lineAt } from './model.ts';

const maxColumns = 80;
const maxSummary = 60;
/** Processes at once: each is a command of its own, and machines have few cores. */
const atOnce = 4;

/** One option or command of a help text, its lines joined. */
interface Entry {
  readonly section: string;
  readonly term: string;
  readonly text: string;
}

/** The help of every command, as a person gets it in a pipe. */
export async function helpFindings(root: string, paths: readonly string[]): Promise<Finding[]> {
  if (paths.length > 0 && filesOf(root, ['src/cli/**/*.ts', 'bin/sluice'], paths).length === 0) return [];
  const sources = filesOf(root, ['src/cli/**/*.ts']);
  const findings = new Map<string, Finding>();
  let wave: string[][] = [[]];
  while (wave.length > 0) {
    const next: string[][] = [];
    for (let at = 0; at < wave.length; at += atOnce) {
      const some = wave.slice(at, at + atOnce);
      const texts = await Promise.all(some.map((path) => helpOf(root, path)));
      for (const [index, text] of texts.entries()) {
        const path = some[index] ?? [];
        for (const finding of findingsOf(path.join(' '), text, sources))
          findings.set(`${finding.found} ${finding.better}`, finding);
        next.push(...subcommandsOf(text).map((name) => [...path, name]));
      }
    }
    wave = next;
  }
  return [...findings.values()].sort((a, b) =>
    a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1,
  );
}

async function helpOf(root: string, path: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], NO_COLOR: '1' };
  const args = [join(root, 'bin/sluice'), ...path, '--help'];
  return (await promisify(execFile)(process.execPath, args, { encoding: 'utf8', env })).stdout;
}

/** What is wrong with one help text. Exported for its test. */
export function findingsOf(command: string, help: string, sources: readonly File[] = []): Finding[] {
  const finding = (found: string, better: string): Finding => ({
    ...placeOf(command, found, help, sources),
    found,
    better,
  });
  const findings: Finding[] = [];
  for (const line of help.split('\n')) {
    if (line.length > maxColumns)
      findings.push(finding(line.trim(), `${line.length} columns, at most ${maxColumns}`));
  }
  const capital = 'begin with a capital letter';
  const description = /^Usage:[^\n]*\n\n([^\n]+)/.exec(help)?.[1];
  if (description !== undefined && /^\p{Ll}/u.test(description)) findings.push(finding(description, capital));
  for (const { section, text } of entriesOf(help)) {
    if (/^\p{Ll}/u.test(text)) findings.push(finding(text, capital));
    if (/\(default: (?:false|\[\])\)/.test(text))
      findings.push(finding(text, 'no "(default: false)" or "(default: [])"'));
    if (isCommandSection(section, help) && text.length > maxSummary)
      findings.push(finding(text, `${text.length} characters, at most ${maxSummary}`));
  }
  return findings;
}

function entriesOf(help: string): Entry[] {
  const entries: { section: string; term: string; text: string }[] = [];
  let section = '';
  for (const line of help.split('\n')) {
    const title = /^(\S.*):$/.exec(line)?.[1];
    if (title !== undefined) section = title;
    const [, term, text] = /^ {2}(\S.*?)(?: {2,}(\S.*))?$/.exec(line) ?? [];
    const last = entries.at(-1);
    if (term !== undefined && section !== '') entries.push({ section, term, text: text ?? '' });
    else if (/^ {4,}\S/.test(line) && last !== undefined) last.text = `${last.text} ${line.trim()}`.trim();
  }
  return entries;
}

function subcommandsOf(help: string): string[] {
  return entriesOf(help)
    .filter(({ section, term }) => isCommandSection(section, help) && /^[a-z]/.test(term))
    .map(({ term }) => term.split(/[ |]/)[0] ?? '')
    .filter((name) => name !== 'help');
}

/** Commands may be in groups with titles of their own; options begin with a hyphen. */
function isCommandSection(section: string, help: string): boolean {
  return (
    /\[command\]/.test(help.split('\n', 1)[0] ?? '') &&
    !/options|arguments|examples|environment/i.test(section)
  );
}

/** The line of the source that has the text, else the command whose help has it. */
function placeOf(
  command: string,
  found: string,
  help: string,
  sources: readonly File[],
): { path: string; line: number } {
  const text = found.replace(/ \(default: .*\)$/, '').replace(/^.* {2,}/, '');
  for (const source of sources) {
    const at = source.text.indexOf(text);
    if (at >= 0) return { path: source.path, line: lineAt(source.text, at) };
  }
  const line = help.split('\n').findIndex((one) => one.includes(text)) + 1;
  return { path: `sluice ${command} --help`.replace('  ', ' '), line: Math.max(1, line) };
}
