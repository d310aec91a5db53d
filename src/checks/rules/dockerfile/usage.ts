import { posix } from 'node:path';
import { isMeant, usagePaths } from '../../../config/compose/choice/usage.ts';
import { folderOf, inFolder, type Repo } from '../../repo.ts';

/** Files of pipelines and of `docker buildx bake`; scripts and notes come from usagePaths. */
const pipeline =
  /^\.github\/(?:workflows|actions)\/.*\.ya?ml$|^\.gitlab-ci\.yml$|^\.circleci\/config\.yml$|^\.woodpecker(?:\/.*)?\.ya?ml$|^Jenkinsfile$|(?:^|\/)docker-bake(?:\.\w+)?\.(?:hcl|json)$/;
/** The keys that name a Dockerfile, and the options of builders. */
const named =
  /(?:\b(?:file|dockerfile|dockerfile_path)["']?\s*[:=]|(?:^|\s)(?:-f|--file|--dockerfile)[ =])\s*["']?([^\s"',;)]+)/gi;
const contexts = /(?:^|[\s-])context["']?\s*[:=]\s*["']?([^\s"',;]+)/gi;
const build = /\b(?:docker|podman|nerdctl|buildah)\s+(?:buildx\s+|image\s+)?(?:build|bud)\b(.*)/;

/**
 * The Dockerfiles that the repository's own commands build: in workflows, bake files, scripts and notes. Empty: no
 * command names one.
 *
 * @param paths from the top of the repository.
 */
export function builtByCommands(repo: Repo, paths: readonly string[]): readonly string[] {
  const texts = new Set([...repo.files.filter((path) => pipeline.test(path)), ...usagePaths(repo.files)]);
  const found = new Set<string>();
  for (const where of texts)
    for (const written of dockerfilesNamed(repo.read(where) ?? ''))
      for (const path of meantBy(written, folderOf(where), paths)) found.add(path);
  return paths.filter((path) => found.has(path));
}

/** As commands write them, relative to a folder that only some commands show. */
function dockerfilesNamed(text: string): string[] {
  const lines = text.replace(/\\\r?\n\s*/g, ' ').split('\n');
  return lines.flatMap((line) => {
    if (line.length > 2000) return [];
    const files = [...line.matchAll(named)].flatMap(([, file = '']) => (isDockerfile(file) ? [file] : []));
    const command = build.exec(line)?.[1];
    const last = command
      ?.split(/&&|\|\||;|\|/)[0]
      ?.trim()
      .split(/\s+/)
      .at(-1);
    const places = [...[...line.matchAll(contexts)].map(([, place = '']) => place), last ?? ''];
    // The builders' default.
    const plain = places.flatMap((place) => (isFolder(place) ? [posix.join(place, 'Dockerfile')] : []));
    return files.length > 0 ? files : plain;
  });
}

function isDockerfile(path: string): boolean {
  return /dockerfile|containerfile/i.test(posix.basename(path));
}

function isFolder(place: string): boolean {
  return place !== '' && !place.startsWith('-') && !/^[a-z]+:|^\/|^\$|@/i.test(place);
}

/** The one of exactly this path, from the top or from the folder of the command, else those with this end. */
function meantBy(written: string, folder: string, paths: readonly string[]): readonly string[] {
  // `${{ matrix.app }}/Dockerfile` and `$APP/Dockerfile` mean one of several.
  const open = /\$\{\{(?:(?!\}\}|\$\{\{).)*\}\}|\$\{?\w+\}?/g;
  if (open.test(written)) {
    const end = written.split('/').findLast((part) => !/[${}]/.test(part));
    return end === undefined ? [] : paths.filter((path) => posix.basename(path) === end);
  }
  const clean = posix.normalize(written.replace(/["'`]/g, ''));
  const exact = paths.filter((path) => path === clean || path === posix.normalize(inFolder(folder, clean)));
  return exact.length > 0 ? exact : paths.filter((path) => isMeant(clean, path));
}
