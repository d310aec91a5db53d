import type { NodeProject } from '../../detect/node.ts';
import type { Finding } from '../../model.ts';
import type { Repo } from '../../repo.ts';
import { isBelow } from './project-check.ts';

const source = /\.(ts|tsx|js|jsx|vue|svelte)$/;
/** Settings of tools and declarations, often left out on purpose. */
const aside = /(?:^|[./])(?:[\w-]+\.config\.\w+|[\w-]+\.d\.ts|\.[\w-]+rc\.\w+)$/;

/**
 * Notes about kinds of sources of which ESLint has checked no file: if its settings match no .ts file, ESLint passes all of
 * them silently.
 *
 * @param linted files of its report, from the top of the repository.
 */
export function unlinted(
  repo: Repo,
  project: NodeProject,
  nested: readonly NodeProject[],
  linted: readonly string[],
): Finding[] {
  const own = repo.files.filter(
    (path) =>
      isBelow(project.folder, path) &&
      !aside.test(path) &&
      !nested.some((other) => isBelow(other.folder, path)),
  );
  const seen = new Set(linted.map(kindOf));
  const kinds = [...Map.groupBy(own, kindOf)];
  return kinds.flatMap(([kind, files]): Finding[] => {
    if (kind === undefined || seen.has(kind)) return [];
    const count = files.length === 1 ? 'the only' : `any of the ${files.length}`;
    return [
      {
        ...{ tool: 'eslint', rule: 'not-linted', severity: 'low', level: 'note', subject: `.${kind}` },
        message: `ESLint did not check ${count} .${kind} ${files.length === 1 ? 'file' : 'files'} here, such as ${files[0]}: its settings do not match them.`,
        ...(project.configs.eslint === undefined ? {} : { at: { file: project.configs.eslint } }),
        fix: `To lint them, add files: ['**/*.${kind}'] to its settings.`,
      },
    ];
  });
}

function kindOf(path: string): string | undefined {
  return source.exec(path)?.[1];
}
