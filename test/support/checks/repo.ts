import type { Repo } from '../../../src/checks/repo.ts';

/** A repository that exists in memory only: texts by path from its top. */
export function memoryRepo(texts: Readonly<Record<string, string>>, root = '/repo'): Repo {
  return { root, git: true, files: Object.keys(texts).sort(), read: (path) => texts[path] };
}
