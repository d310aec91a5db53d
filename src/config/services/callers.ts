import type { ComposeModel, ComposeService } from '../model.ts';
import { isSecretName } from '../secrets/secret-names.ts';
import { namesOf } from './network-names.ts';
import { commandLine } from './programs.ts';

/** How the other services of an app call one by its name. */
export interface Calls {
  /** Services that do. */
  readonly by: readonly string[];
  /** Ports that they name with it (`http://tika:9998`), each once. */
  readonly ports: readonly number[];
}

/** Variables whose value is nothing but the name of a host. */
const hostVariable =
  /(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS|UPSTREAM|BACKEND|BROKER|ENDPOINT|SMTP|MAIL|PEER|NODE|PROXY)S?$/i;

/**
 * Finds out who calls a service: by its name, aliases, hostname or container_name in the variables, commands and labels of
 * the others. Configuration files and code are not read.
 */
export function callsOf(name: string, model: ComposeModel): Calls {
  const { everywhere, aliases } = namesOf(name, model.services, model.name, 1);
  const names = [...new Set([...everywhere, ...Object.values(aliases).flat()])];
  const ports = new Set<number>();
  const by = Object.entries(model.services).flatMap(([other, definition]) => {
    if (other === name) return [];
    const found = textsOf(definition).flatMap(([key, text]) => namedIn(key, text, names));
    for (const { port } of found) if (port !== undefined) ports.add(port);
    return found.length > 0 ? [other] : [];
  });
  return { by, ports: [...ports] };
}

type Text = readonly [variable: string, text: string];

const texts = new WeakMap<ComposeService, readonly Text[]>();

/** Cached, because each service is compared with all others. */
function textsOf(service: ComposeService): readonly Text[] {
  const known = texts.get(service) ?? readTexts(service);
  texts.set(service, known);
  return known;
}

function readTexts(service: ComposeService): Text[] {
  // A password may look like `user@mail:25`; a secret that is a whole URL has its scheme.
  const variables = Object.entries(service.environment ?? {})
    .filter(([key, value]) => !isSecretName(key) || /^[a-z][\w+.-]*:\/\//i.test(value ?? ''))
    .map(([key, value]) => [key, value ?? ''] as const);
  const labels = Object.entries(service.labels ?? {}).map(([key, value]) => [key, String(value)] as const);
  return [...variables, ...labels, ['', commandLine(service)]];
}

function namedIn(
  key: string,
  text: string,
  names: readonly string[],
): { readonly port: number | undefined }[] {
  return names.flatMap((name) => {
    // Most texts name no service, and a regular expression for each takes seconds in an app of fifty services.
    if (!text.includes(name)) return [];
    const word = name.replaceAll(/[^\w-]/g, '\\$&');
    if (text === name) return hostVariable.test(key) ? [{ port: undefined }] : [];
    // `http://tika:9998/x`, `user@db/app`, `redis:6379,redis:6380`: a host, never a part of another word.
    const host = new RegExp(`(?:^|//|[@,\\s='"\\[(])${word}(?::(\\d{1,5}))?(?=$|[/?,\\s'"\\])&])`, 'g');
    const found = [...text.matchAll(host)].filter(
      ([whole, port]) => port !== undefined || /^(?:\/\/|@)/.test(whole),
    );
    return found.map(([, port]) => ({ port: port === undefined ? undefined : Number(port) }));
  });
}
