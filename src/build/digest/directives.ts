import { Unresolvable } from '../../config/dockerignore/unresolvable.ts';

/** The directives in the comments at the top of a Dockerfile. */
export interface Directives {
  readonly escapeToken: '\\' | '`';
  /** Image of the frontend that reads the file; undefined: the engine's own. */
  readonly syntax: string | undefined;
}

const directive =
  /^#[\t\n\v\f\r \u0085\u00a0]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*$/;
const known: readonly string[] = ['syntax', 'escape', 'check'];

/**
 * `# syntax=`, `# escape=` and `# check=`, up to the first other line.
 *
 * @throws Unresolvable for files that only another frontend can read, and for invalid directives.
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
