import { posix } from 'node:path';

/** Folders for development, tests, pipelines and examples: their files do not belong to production by default. */
const folders = new Set(
  (
    '.devcontainer devcontainer .github .gitlab .circleci .buildkite .ci ci dev devel development local ' +
    'test tests testing __tests__ spec e2e playwright cypress fixtures testdata ' +
    'example examples sample samples demo demos doc docs bench benchmark benchmarks sandbox playground ' +
    'node_modules vendor third_party'
  ).split(' '),
);

/** The same in the names of files: `Dockerfile.playwright`, `docker-compose.dev.yml`, `app.test.Dockerfile`. */
const words = new Set(
  (
    'dev devel develop development devcontainer local test tests testing ci e2e debug playwright cypress ' +
    'bench benchmark lint sandbox override'
  ).split(' '),
);

/** Whether a file is in a folder that does not belong to production. */
export function isAsideFolder(path: string): boolean {
  return path
    .split('/')
    .slice(0, -1)
    .some((folder) => folders.has(folder.toLowerCase()));
}

/** Whether the name of a file marks it as for development or tests. */
export function isAsideName(path: string): boolean {
  const parts = posix.basename(path).toLowerCase().split(/[._-]/);
  return parts.some((part) => words.has(part));
}
