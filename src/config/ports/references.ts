import type { ComposeModel, ComposeService } from '../model.ts';
import { isOwnHost, ownNames } from '../services/own-names.ts';

/** How a service is called somewhere in the compose files: `http://api:8000`, or `API_ADDR=api:8000` without a scheme. */
export interface Reference {
  readonly host: string;
  readonly port: number;
  /** Lower case; undefined: the address has none. */
  readonly scheme: string | undefined;
  /** The service’s own definition has it. */
  readonly isOwn: boolean;
  /** Variable that holds an address without a scheme. */
  readonly variable: string | undefined;
}

/** Texts beyond this are data, not settings. */
const longest = 16_384;
const defaultPorts: Readonly<Record<string, number>> = { http: 80, ws: 80, https: 443, wss: 443 };

const found = new WeakMap<ComposeModel, readonly Reference[]>();

/** Addresses by which a service is called, by others under one of its names and by itself with a scheme. */
export function referencesTo(
  service: ComposeService,
  name: string | undefined,
  model: ComposeModel | undefined,
): Reference[] {
  const names = ownNames(service, name);
  const mine = referencesOf(service);
  const isMine = (reference: Reference) =>
    mine.some(
      ({ host, port, variable }) =>
        host === reference.host && port === reference.port && variable === reference.variable,
    );
  const others = (model === undefined ? [] : referencesIn(model)).filter(
    (reference) => names.includes(reference.host) && !isMine(reference),
  );
  const own = mine.filter(
    ({ host, scheme }) => scheme !== undefined && isOwnHost(host.replaceAll('+', ''), names),
  );
  return [...others, ...own.map((reference) => ({ ...reference, isOwn: true }))];
}

/** All addresses that the services of a model are given in variables, commands and labels. */
function referencesIn(model: ComposeModel): readonly Reference[] {
  const known = found.get(model);
  if (known !== undefined) return known;
  const all = Object.values(model.services).flatMap(referencesOf);
  found.set(model, all);
  return all;
}

/** Addresses in the definition of one service. */
function referencesOf(service: ComposeService): Reference[] {
  const variables = Object.entries(service.environment ?? {});
  const texts = [
    ...variables.map(([, value]) => value),
    ...wordsOf(service.command),
    ...wordsOf(service.entrypoint),
    ...Object.values(service.labels ?? {}),
  ];
  return [
    ...texts.flatMap((text) => urlsIn(String(text ?? '').slice(0, longest))),
    ...variables.flatMap(([name, value]) => bareIn(name, String(value ?? ''))),
  ];
}

function wordsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

function urlsIn(text: string): Reference[] {
  if (!text.includes('://')) return [];
  const pattern =
    /([a-z][a-z0-9+.-]{0,20}):\/\/(?:[^\s/@"'`]{1,200}@)?(\[[\da-f:]{0,45}\]|[\w.*+-]{1,253})(?::(\d{1,5})(?!\d))?/gi;
  return [...text.matchAll(pattern)].flatMap(([, scheme = '', host = '', digits]) => {
    const name = scheme.toLowerCase();
    const port = digits === undefined ? defaultPorts[name] : Number(digits);
    return port === undefined
      ? []
      : [{ scheme: name, host: host.toLowerCase(), port, isOwn: false, variable: undefined }];
  });
}

function bareIn(variable: string, value: string): Reference[] {
  const [, host, port] = /^([\w.-]{1,253}):(\d{1,5})$/.exec(value) ?? [];
  return host === undefined
    ? []
    : [{ scheme: undefined, host: host.toLowerCase(), port: Number(port), isOwn: false, variable }];
}
