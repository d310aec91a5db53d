import { posix } from 'node:path';
import type { ImageHints } from '../../../config/services/processes.ts';
import { inFolder } from '../../repo.ts';
import type { App, AppService } from '../app.ts';
import { contextFiles, type ImageBuild, instructionsOf } from '../image/build.ts';

/** Facts about the services that the app builds, from their Dockerfiles and sources, by service. */
export function imageHints({ services }: App): Readonly<Record<string, ImageHints>> {
  const known = new Map<ImageBuild, ImageHints>();
  const entries = services.flatMap(({ name, image }: AppService) => {
    if (image === undefined) return [];
    const hints = known.get(image) ?? hintsOf(image);
    known.set(image, hints);
    return [[name, hints] as const];
  });
  return Object.fromEntries(entries);
}

function hintsOf(image: ImageBuild): ImageHints {
  const all = image.targets.flatMap(instructionsOf);
  const words = (['ENTRYPOINT', 'CMD'] as const).map((keyword) => {
    const last = all.findLast((instruction) => instruction.keyword === keyword);
    return last === undefined ? '' : (last.list?.join(' ') ?? last.text);
  });
  const command = words.join(' ').trim();
  const gunicorn = gunicornFile(image, command);
  const pool = poolInSource(image);
  return {
    ...(command === '' ? {} : { command }),
    ...(gunicorn === undefined ? {} : { gunicorn }),
    ...(pool === undefined ? {} : { pool }),
  };
}

/** Gunicorn reads the file beside the app by itself; `-c` names another. */
function gunicornFile(image: ImageBuild, command: string): string | undefined {
  const named = /\bgunicorn\b.{0,300}?(?:\s-c|--config)[= ]\s*(?:file:)?(\S+\.py)/.exec(command)?.[1];
  const name = posix.basename(named ?? 'gunicorn.conf.py');
  const found = contextFiles(image).filter((file) => posix.basename(file) === name);
  return found.length === 1 ? image.repo.read(inFolder(image.context, found[0] ?? '')) : undefined;
}

const maxFiles = 500;
const size = /\b(?:\w+_)?pool_size["']?\s*(?::\s*int\s*)?[=:]\s*(?:Field\(\s*(?:default\s*=\s*)?)?(\d+)\b/i;
const overflow =
  /\b(?:\w+_)?max_overflow["']?\s*(?::\s*int\s*)?[=:]\s*(?:Field\(\s*(?:default\s*=\s*)?)?(\d+)\b/i;

/** SQLAlchemy's `pool_size=10, max_overflow=20`, where they are written as numbers and in one file. */
function poolInSource(image: ImageBuild): number | undefined {
  const sources = contextFiles(image).filter(
    (file) =>
      file.endsWith('.py') &&
      !/(?:^|\/)(?:tests?|migrations|versions)\/|(?:^|\/)(?:test_\w+|conftest)\.py$/.test(file),
  );
  const texts = sources
    .slice(0, maxFiles)
    .map((file) => image.repo.read(inFolder(image.context, file)) ?? '');
  const pools = texts.flatMap((text) => {
    const found = size.exec(text)?.[1];
    // SQLAlchemy's default for max_overflow is ten.
    return found === undefined ? [] : [Number(found) + Number(overflow.exec(text)?.[1] ?? 10)];
  });
  return pools.length === 0 ? undefined : Math.max(...pools);
}
