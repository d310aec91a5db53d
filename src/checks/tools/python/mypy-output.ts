import type { Finding } from '../../model.ts';

/** One line of mypy's output. */
export interface MypyEntry {
  readonly file: string;
  /** Both from 1; undefined for a whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly hint?: string;
  /** `arg-type`, `syntax`. */
  readonly code?: string;
  readonly severity: 'error' | 'note';
}

const textLine = /^(.+?):(?:(\d+):(?:(\d+):)?(?:\d+:\d+:)?)? (error|note): ([\s\S]*?)(?: {2}\[([\w-]+)\])?$/;

/**
 * Reads what `mypy -O json`, or an older mypy with `--show-column-numbers`, prints. Other lines, of plugins, are
 * ignored.
 *
 * @returns undefined if a line of JSON is broken.
 */
export function readMypy(stdout: string): MypyEntry[] | undefined {
  const entries: MypyEntry[] = [];
  for (const line of stdout.split('\n')) {
    const entry = line.startsWith('{') ? jsonEntry(line) : textEntry(line);
    if (entry === 'broken') return undefined;
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

function jsonEntry(text: string): MypyEntry | 'broken' {
  try {
    const { file, line, column, message, hint, code, severity } = JSON.parse(text) as Record<string, unknown>;
    if (typeof file !== 'string' || typeof message !== 'string') return 'broken';
    return {
      file,
      // Columns count from 0 in JSON, and -1 means none.
      ...(typeof line === 'number' && line > 0 ? { line } : {}),
      ...(typeof column === 'number' && column >= 0 ? { column: column + 1 } : {}),
      message,
      ...(typeof hint === 'string' && hint !== '' ? { hint } : {}),
      ...(typeof code === 'string' ? { code } : {}),
      severity: severity === 'note' ? 'note' : 'error',
    };
  } catch {
    return 'broken';
  }
}

function textEntry(text: string): MypyEntry | undefined {
  const [, file, line, column, severity, message, code] = textLine.exec(text) ?? [];
  if (file === undefined || message === undefined) return undefined;
  return {
    file,
    ...(line === undefined ? {} : { line: Number(line) }),
    ...(column === undefined ? {} : { column: Number(column) }),
    message,
    ...(code === undefined ? {} : { code }),
    severity: severity === 'note' ? 'note' : 'error',
  };
}

/** A note that follows an error on its line belongs to it; any other is a separate note. */
export function mypyFindings(entries: readonly MypyEntry[], pathOf: (path: string) => string): Finding[] {
  const findings: Finding[] = [];
  for (const entry of entries) {
    const last = findings.at(-1);
    const at = { file: pathOf(entry.file), ...placeOf(entry) };
    const follows = last?.level === 'fail' && last.at?.file === at.file && last.at.line === entry.line;
    if (entry.severity === 'note' && follows) {
      findings[findings.length - 1] = { ...last, fix: joined(last.fix, entry.message) };
    } else {
      findings.push({ ...finding(entry), at });
    }
  }
  return findings;
}

function finding({ code = 'misc', severity, message, hint }: MypyEntry): Finding {
  const isError = severity === 'error';
  return {
    tool: 'mypy',
    rule: code,
    severity: isError ? (code === 'syntax' ? 'high' : 'medium') : 'info',
    level: isError ? 'fail' : 'note',
    message,
    ...(hint === undefined ? {} : { fix: joined(undefined, hint) }),
    ...(isError && code !== 'misc' ? { docs: `https://mypy.rtfd.io/en/stable/_refs.html#code-${code}` } : {}),
  };
}

function placeOf({ line, column }: MypyEntry) {
  return { ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) };
}

function joined(before: string | undefined, after: string): string {
  const lines = after.split('\n').map((line) => line.trim());
  return [before, ...lines].filter((line) => line !== undefined && line !== '').join(' ');
}

/** mypy's warnings about its settings: `pyproject.toml: [mypy]: Unrecognized option: foo = 1`. */
export function settingsNotes(stderr: string): Finding[] {
  const said = stderr.split('\n').filter((line) => /^\S+\.(?:toml|ini|cfg): \[/.test(line));
  return [...new Set(said)].map((message) => ({
    tool: 'mypy',
    rule: 'settings',
    severity: 'info',
    level: 'note',
    message,
    subject: 'settings',
  }));
}
