import { UserError } from '../../kernel/errors.ts';

/**
 * Reads what `docker compose config --format json` printed. Without any service in it Compose leaves `services` out.
 *
 * @throws UserError `compose.too-old`
 */
export function parseModel(text: string): Record<string, unknown> {
  try {
    const model: unknown = JSON.parse(text);
    if (model !== null && typeof model === 'object' && !Array.isArray(model))
      return { services: {}, ...model };
  } catch {
    // Handled below.
  }
  if (/^(?:name|services):/m.test(text)) {
    throw new UserError({
      code: 'compose.too-old',
      message: 'Docker Compose 2.25.0 prints YAML instead of JSON, and loses line breaks in it',
      hint: 'Install Docker Compose 2.26 or newer where Sluice runs.',
    });
  }
  return { services: {} };
}
