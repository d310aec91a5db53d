import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

/** What the comments at the very top of a Dockerfile say to its reader. */
export interface Directives {
  readonly escapeToken: '\\' | '`';
  /** Image of the frontend that reads the file; undefined: the engine's own. */
  readonly syntax: string | undefined;
}

const directive =
  /^#[\t\n\v\f\r \u0085\u00a0]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*$/;
const known: readonly string[] = ['syntax', 'escape', 'check'];

/**
 * `# syntax=`, `# escape=` and `# check=`, until the first line that is none of them.
 *
 * @throws Unresolvable for files that only a frontend of their own can read, and for directives that say nothing.
 */
export function readDirectives(text: string): Directives {
  // BuildKit looks for `//syntax=` and a JSON document, too: other languages with other frontends.
  if (/^(?:#![^\n]*\n)?\s*(?:\/\/|\{)/.test(text))
    throw new Unresolvable('the Dockerfile is in another language');
  const hasShebang = text.startsWith('#!');
  // Behind a shebang BuildKit still finds the syntax, but no escape.
  const lines = text.split('\n').slice(hasShebang ? 1 : 0);
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = directive.exec(line) ?? [];
    const key = name.toLowerCase();
    if (!known.includes(key)) break;
    if (found.has(key)) throw new Unresolvable(`the Dockerfile has the directive "${key}" twice`);
    found.set(key, value);
  }
  const escapeToken = hasShebang ? '\\' : (found.get('escape') ?? '\\');
  if (escapeToken !== '\\' && escapeToken !== '`')
    throw new Unresolvable('the Dockerfile has an unknown escape character');
  return { escapeToken, syntax: found.get('syntax')?.split(' ')[0] };
}
