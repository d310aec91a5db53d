import { UserError } from '../../kernel/errors.ts';
import type { ComposeModel, ComposeService } from '../model.ts';
import { splitWords } from './command-words.ts';

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

type Loose = Record<string, unknown>;

/**
 * Brings what `docker compose config` printed into one shape. Compose 2.24.7 leaves some things as in the
 * file: lists instead of maps, commands as one text, env files not read.
 *
 * @throws UserError `compose.invalid`, `compose.too-old`
 */
export function canonicalModel(printed: Loose): ComposeModel {
  const services = Object.entries((printed.services ?? {}) as Record<string, Loose>);
  const canonical = services.map(([name, service]) => [name, canonicalService(name, service)] as const);
  return { ...printed, services: Object.fromEntries(canonical) } as unknown as ComposeModel;
}

function canonicalService(name: string, service: Loose): ComposeService {
  if (service.env_file !== undefined) throw unreadEnvFile(name);
  const result: Loose = { ...service };
  for (const key of ['environment', 'labels'])
    if (Array.isArray(service[key])) result[key] = mapOf(service[key]);
  for (const key of ['command', 'entrypoint']) {
    if (typeof service[key] === 'string') result[key] = splitWords(service[key]);
  }
  for (const port of (service.ports ?? []) as unknown[]) {
    if (typeof (port as { target?: unknown } | null)?.target !== 'number') throw badPort(name);
  }
  if (Array.isArray(service.expose)) result.expose = service.expose.map(String);
  const health = service.healthcheck as Loose | undefined;
  if (typeof health?.test === 'string') result.healthcheck = { ...health, test: ['CMD-SHELL', health.test] };
  return result as ComposeService;
}

function unreadEnvFile(service: string): UserError {
  return new UserError({
    code: 'compose.too-old',
    message: `services.${service}.env_file: Docker Compose 2.24.7 does not read it`,
    hint: 'Install Docker Compose 2.26 or newer where Sluice runs.',
  });
}

/** Its text is not shown: a misplaced value may be a secret. */
function badPort(service: string): UserError {
  const hint = 'Write "8000:8000", "127.0.0.1:8000:8000" or "8000", and check the variables in it.';
  return new UserError({
    code: 'compose.invalid',
    message: `services.${service}.ports: one of the ports is invalid`,
    hint,
  });
}

/** `[A=1, B]` → `{ A: "1", B: null }`. */
function mapOf(list: readonly unknown[]): Record<string, string | null> {
  return Object.fromEntries(
    list.map(String).map((item) => {
      const equals = item.indexOf('=');
      return equals < 0 ? [item, null] : [item.slice(0, equals), item.slice(equals + 1)];
    }),
  );
}
