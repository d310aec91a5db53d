import { posix } from 'node:path';

/** Compose files that the repository's own commands start together, in their order. */
export interface ComposeUsage {
  /** The file that has the command: `README.md`. */
  readonly where: string;
  /** As they are written, without `./`; relative to a folder that the command does not tell. */
  readonly files: readonly string[];
}

/** Files that tell people and machines how the app is started. */
const telling =
  /^(?:readme|install(?:ation)?|deploy(?:ment|ing)?|self-?host(?:ing|ed)?|docker|production|getting-started|setup|usage)(?:\.[\w-]+)?\.(?:md|rst|txt|adoc)$|^readme$|^(?:gnu)?makefile$|\.mk$|^\.?justfile$|^taskfile(?:\.dist)?\.ya?ml$|^package\.json$|\.(?:sh|bash)$|^(?:deploy|start|run|up|install)$/i;
const near =
  /^(?:(?:scripts?|bin|docs?|deploy(?:ment)?|docker|infra|ops|tools|production|prod)\/){0,2}[^/]+$/i;
const workflow = /^\.github\/workflows\/[^/]+\.ya?ml$/;
const maxFiles = 60;

/** Those of a repository's files that are worth reading for {@link composeUsages}; a bounded number. */
export function usagePaths(files: readonly string[]): string[] {
  return files
    .filter((path) => (near.test(path) && telling.test(posix.basename(path))) || workflow.test(path))
    .sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1))
    .slice(0, maxFiles);
}

/**
 * Finds `docker compose -f A -f B …`, `docker stack deploy -c A` and `COMPOSE_FILE=A:B` in a text: prose, a script or
 * the comments of a compose file.
 */
export function composeUsages(where: string, text: string): ComposeUsage[] {
  const joined = text.replace(/\\\r?\n\s*/g, ' ');
  const lists: string[][] = [];
  for (const line of joined.split('\n')) {
    if (line.length > 2000 || !/compose|docker stack/i.test(line)) continue;
    const variable = /\bCOMPOSE_FILE["']?\s*[:=]\s*["']?([^\s"'`#]+)/.exec(line)?.[1];
    if (variable !== undefined) lists.push(variable.split(/[:;]/));
    for (const command of line.split(/&&|\|\||;|\|/)) {
      const start = /(?:docker|podman|nerdctl)[ -]compose\b|docker stack (?:deploy|up)\b/i.exec(command);
      if (start === null) continue;
      const options = command.slice(start.index + start[0].length);
      const named = options.matchAll(/\s(?:-f|-c|--file|--compose-file)[\s=]?\s*["']?([^\s"'`)]+)/g);
      lists.push([...named].map(([, file = '']) => file));
    }
  }
  return lists
    .map((files) =>
      files.filter((file) => /\.ya?ml\b/i.test(file)).map((file) => file.replace(/^(?:\.\/)+/, '')),
    )
    .filter((files) => files.length > 0)
    .map((files) => ({ where, files }));
}

/** Whether a file as a command writes it may be this one: the command's folder is not known. */
export function isMeant(written: string, path: string): boolean {
  const clean = posix
    .normalize(written)
    .replace(/^(?:\.\.\/)+/, '')
    .replace(/^\$\{?\w+\}?\//, '');
  return path === clean || path.endsWith(`/${clean}`);
}
