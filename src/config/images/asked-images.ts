import type { ComposeModel, Config } from '../model.ts';
import { sightOf } from '../services/sight.ts';
import { imageRole } from '../services/stores.ts';
import type { Images } from './built-images.ts';
import { officialImage } from './official-images.ts';

/** The configuration of images by service, or why it is not known, as the end of a sentence. */
export interface ImageAnswers {
  readonly images: Images;
  readonly unread: Readonly<Record<string, string>>;
}

/**
 * Services whose strategy depends on their image: ports it exposes, volumes it declares. Those are the app's own
 * that are not built here, except those with a strategy in sluice.yml. Stores, proxies and helpers are known by name.
 *
 * @param built config of what is built here.
 * @returns reference by service.
 */
export function askedImages(
  model: ComposeModel,
  config: Pick<Config, 'services' | 'registry'>,
  built: Images,
): Readonly<Record<string, string>> {
  const { services, own } = sightOf(model, built, config.registry);
  return Object.fromEntries(
    Object.entries(model.services).flatMap(([name, { image, build }]) => {
      if (image === undefined || build !== undefined || Object.hasOwn(built, name)) return [];
      if (!own.names.has(name) || imageRole(services[name] ?? {}) !== undefined) return [];
      const settings = Object.hasOwn(config.services, name) ? config.services[name] : undefined;
      return settings?.strategy === undefined ? [[name, image]] : [];
    }),
  );
}

/** The answers, with known official images filled in where no engine or registry answered. */
export function orKnown(answers: ImageAnswers, references: Readonly<Record<string, string>>): ImageAnswers {
  const images: Record<string, Images[string]> = { ...answers.images };
  const unread: Record<string, string> = {};
  for (const [service, why] of Object.entries(answers.unread)) {
    const image = officialImage(references[service] ?? '');
    if (image === undefined) unread[service] = why;
    else images[service] = image;
  }
  return { images, unread };
}
