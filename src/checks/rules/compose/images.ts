import { tryParseImage } from '../../../config/images/reference.ts';
import type { App } from '../app.ts';
import type { Hit, Rule } from '../rule.ts';
import { hitAt } from './limits.ts';

export const floatingTag: Rule<App> = {
  id: 'compose/floating-tag',
  severity: 'medium',
  level: 'fail',
  title: 'An image has a tag that names its version.',
  why: 'latest, and an image without a tag, mean whatever was pulled last. Two hosts run two versions, and a pull can upgrade the database to a new major version.',
  fix: 'Set a version (redis:8, postgres:17.6). Images that the app builds are deployed by digest and can keep ${TAG:-latest}.',
  source: {
    name: 'Docker: pin base image versions',
    url: 'https://docs.docker.com/build/building/best-practices/#pin-base-image-versions',
  },
  example: {
    file: 'compose.yml',
    bad: 'services:\n  redis:\n    image: redis:latest\n',
    good: 'services:\n  redis:\n    image: redis:8\n',
  },
  check: (app) =>
    app.services.flatMap(({ name, service, isOwn }) => {
      const fault = isOwn || service.image === undefined ? undefined : floatingIn(service.image);
      if (fault === undefined) return [];
      // The team's own image from another repository: the deploy sets the variable.
      const isSet = /:\$\{\w+:?-latest\}$/.test(String(app.project?.raw(name)['image'] ?? ''));
      const isOfficial = tryParseImage(service.image ?? '')?.repository.startsWith('library/') === true;
      if (isSet && !isOfficial) return [];
      return { ...fault, ...hitAt(app, name, `The image of ${name} ${fault.message}.`, 'image') };
    }),
};

/** Tags that move to new major versions. */
const moving =
  /^(?:stable|lts|current|mainline|edge|main|master|nightly|alpine|slim)(?:-(?:alpine|slim|perl|fpm|apache))*$/;

/** @returns the fault of the tag, as the end of a sentence; undefined for a version, a digest, or an invalid image. */
export function floatingIn(image: string): Pick<Hit, 'message' | 'severity' | 'level'> | undefined {
  const reference = tryParseImage(image);
  if (reference === undefined || reference.digest !== undefined) return undefined;
  if (reference.tag === undefined) return { message: 'has no tag, which means latest' };
  if (reference.tag === 'latest') return { message: 'is tagged latest' };
  if (!moving.test(reference.tag)) return undefined;
  return {
    message: `is tagged ${reference.tag}, which moves to new major versions`,
    severity: 'low',
    level: 'note',
  };
}
