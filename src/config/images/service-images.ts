import { UserError } from '../../kernel/errors.ts';
import type { ComposeModel, ComposeService } from '../model.ts';
import { didYouMean } from '../sluice-yml/suggest.ts';
import { type ImageReference, parseImage } from './reference.ts';

/** The image that a service runs, as the compose files name it. */
export interface ServiceImage {
  readonly service: string;
  /** As written. */
  readonly image: string;
  readonly reference: ImageReference;
}

/**
 * The images of all services that name one. A service with `build:` alone has none until it is built.
 *
 * @throws UserError `compose.image` for a malformed one.
 */
export function imageReferences(model: ComposeModel): ServiceImage[] {
  return Object.entries(model.services).flatMap(([service, { image }]) =>
    image === undefined
      ? []
      : [{ service, image, reference: parseImage(image, `services.${service}.image`) }],
  );
}

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
