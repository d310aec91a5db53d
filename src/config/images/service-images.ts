import { UserError } from '../../kernel/errors.ts';
import type { ComposeModel, ComposeService, Config } from '../model.ts';
import { sightOf } from '../services/sight.ts';
import { imageRole } from '../services/stores.ts';
import { didYouMean } from '../sluice-yml/suggest.ts';
import type { Images } from './built-images.ts';
import { officialImage } from './image-config.ts';
import { parseImage } from './reference.ts';

/**
 * The same model with the images of some services replaced, normally by `name@sha256:…`. Their `build` stays: a service
 * is deployed in the same way before and after its image was built. Releases leave it out (deploy/project.ts).
 *
 * @param images reference by service.
 * @throws UserError `compose.image` for a malformed reference, `config.unknown-service` for an unknown service.
 */
export function withImages(model: ComposeModel, images: Readonly<Record<string, string>>): ComposeModel {
  const services: Record<string, ComposeService> = { ...model.services };
  for (const [name, image] of Object.entries(images)) {
    const service = Object.hasOwn(model.services, name) ? model.services[name] : undefined;
    if (service === undefined) throw noService(name, Object.keys(model.services));
    parseImage(image, `services.${name}.image`);
    services[name] = { ...service, image };
  }
  return { ...model, services };
}

function noService(name: string, known: readonly string[]): UserError {
  return new UserError({
    code: 'config.unknown-service',
    message: `Image for unknown service "${name}"${didYouMean(name, known)}`,
    hint: `Available: ${known.join(', ')}.`,
  });
}

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
