import type { ComposeChoice } from '../../config/compose/choice/choice.ts';
import { textsIn } from '../../config/env/interpolate.ts';
import { isComposeOwn, shellVariable } from '../../config/env/shell-variables.ts';
import { tryParseImage } from '../../config/images/reference.ts';
import type { ComposeFile } from '../study/compose-files.ts';
import { profilesExample } from '../study/compose-notes.ts';
import type { ComposeVariable, ExampleFile } from '../study/variables.ts';
import { type Declared, wantsAt } from './places.ts';
import type { Want } from './short-syntax.ts';

/** Values for variables that only a server has, so that the compose files can be resolved. */
export interface StandIns {
  readonly env: Readonly<Record<string, string>>;
  /** Made-up values, each with its variable: none of them may appear in a file or a text. */
  readonly made: ReadonlyMap<string, string>;
}

export interface StandInFacts {
  readonly variables: readonly ComposeVariable[];
  readonly examples: readonly ExampleFile[];
  /** Values of a `.env` that belongs to the repository: Compose reads it. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly compose: ComposeChoice<ComposeFile> | undefined;
  readonly registry: string | undefined;
  /** Absolute folder of the first compose file. */
  readonly folder: string;
  /** Variables whose value Docker Compose rejected, with the number of times. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Values to try after Docker Compose rejected the first one. */
const others = ['1', 'true', '10s', 'stand-in', '/stand-in', '8080', '64m', '127.0.0.1', ''];
export const attempts: number = others.length;

/** Whether a part of an image's name or of a path is made up. */
export function isStandIn(part: string): boolean {
  return part.startsWith('stand-in');
}

/** The value of the example where it fits, else one that fits the places where the compose files use the variable. */
export function standIns(facts: StandInFacts): StandIns {
  const maker = createMaker(facts);
  const wants = wantsIn(facts.compose?.files ?? []);
  const examples = valuesOf(facts.examples);
  const env: Record<string, string> = { SLUICE_INIT: 'yes' };
  const profiles = profilesExample(facts);
  if (profiles !== undefined) env['COMPOSE_PROFILES'] = profiles.value;
  const needed = facts.variables.filter(
    ({ name, fallback }) =>
      fallback === undefined && facts.defaults[name] === undefined && !isComposeOwn(name),
  );
  for (const { name } of needed) {
    const want = wants.get(name) ?? byName(name);
    const given = examples[name];
    const refusals = facts.refused.get(name) ?? 0;
    if (refusals > 0) env[name] = others[refusals - 1] ?? '';
    else if (shellVariable(name) !== undefined) env[name] = maker.ofShell(name);
    else
      env[name] = given !== undefined && isReal(given) && fits(want, given) ? given : maker.make(name, want);
  }
  for (const { name } of needed) {
    const want = wants.get(name);
    // The end of a range depends on the value of its beginning.
    if (want?.kind !== 'port' || want.after === undefined || (facts.refused.get(name) ?? 0) > 0) continue;
    const start = Number(env[want.after.name] ?? facts.defaults[want.after.name]);
    if (!Number.isInteger(start)) continue;
    env[name] = String(start + want.after.by);
    if (maker.made.has(String(start))) maker.made.set(String(start + want.after.by), name);
  }
  return { env, made: maker.made };
}

/** Values of examples beside or above the compose files; other folders belong to other programs. */
function valuesOf(examples: readonly ExampleFile[]): Readonly<Record<string, string>> {
  const all = examples.filter(({ isNear }) => isNear).toReversed();
  return Object.assign({}, ...all.map(({ values }) => values)) as Record<string, string>;
}

function wantsIn(files: readonly ComposeFile[]): Map<string, Want> {
  const sections = (key: string) =>
    files.flatMap(({ data }) => {
      const section = (data as Record<string, unknown> | null | undefined)?.[key];
      return section !== null && typeof section === 'object' ? Object.keys(section) : [];
    });
  const declared: Declared = {
    services: files.flatMap(({ services }) => Object.keys(services)),
    volumes: sections('volumes'),
    networks: sections('networks'),
    secrets: sections('secrets'),
    configs: sections('configs'),
  };
  const wants = new Map<string, Want>();
  for (const { data } of files)
    for (const { path, text } of textsIn(data))
      for (const [name, want] of wantsAt(path, text, declared)) {
        const known = wants.get(name);
        if (known === undefined || strictness(want) > strictness(known)) wants.set(name, want);
      }
  for (const [name, want] of wants) if (want.kind === 'any') wants.set(name, byName(name));
  return wants;
}

const order: readonly Want['kind'][] = ['any', 'name', 'registry', 'image', 'path', 'ip', 'port', 'fixed'];

function strictness(want: Want): number {
  return (
    order.indexOf(want.kind) + (want.kind === 'port' && (want.span > 1 || want.after !== undefined) ? 0.5 : 0)
  );
}

/** Where any text is valid, the name shows the kind of value. */
function byName(name: string): Want {
  const forms: readonly (readonly [RegExp, Want])[] = [
    [/REGISTRY|IMAGE_(?:PREFIX|REPO)|REPOSITORY/i, { kind: 'registry', slash: false }],
    [/(?:^|_)PORT$/i, { kind: 'port', span: 1 }],
    [/(?:^|_)IMAGE$/i, { kind: 'image' }],
    [/MEM(?:ORY)?(?:_|$)|SHM/i, { kind: 'fixed', value: '256M' }],
    [/BIND|(?:^|_)IP$|IP_ADDRESS/i, { kind: 'ip' }],
    [/REPLICAS|WORKERS|COUNT|CPUS?(?:_|$)|CONCURRENCY|RETRIES|CONNECTIONS/i, { kind: 'fixed', value: '1' }],
    [/TIMEOUT|INTERVAL|PERIOD/i, { kind: 'fixed', value: '10s' }],
    [/(?:^|_)(?:DIR|PATH|FOLDER|ROOT|VOLUME)$/i, { kind: 'path' }],
  ];
  return forms.find(([pattern]) => pattern.test(name))?.[1] ?? { kind: 'any' };
}

function isReal(value: string): boolean {
  return value !== '' && !/change|^<|your/i.test(value);
}

/** `[[IP:]PUBLISHED:]TARGET[/PROTOCOL]`. */
const portEntry =
  /^(?:(?:(?:[\d.]+|\[[\da-f:]+\]):)?(?:\d{1,5}(?:-\d{1,5})?)?:)?\d{1,5}(?:-\d{1,5})?(?:\/(?:tcp|udp|sctp))?$/i;

function fits(want: Want, value: string): boolean {
  switch (want.kind) {
    case 'fixed':
      return want.fits?.(value) ?? true;
    case 'port':
      if (want.isEntry === true) return portEntry.test(value);
      return want.span === 1 ? /^(?:[\d.]+:)?\d{1,5}$/.test(value) : /^\d{1,5}-\d{1,5}$/.test(value);
    case 'path':
      return /^(?:[./~]|[A-Za-z]:)/.test(value) || (want.or?.includes(value) ?? false);
    case 'ip':
      return /^[\d.]+$|^\[?[\da-f:]+\]?$/i.test(value);
    case 'image':
      return tryParseImage(value) !== undefined;
    case 'registry':
      return tryParseImage(`${value}${want.slash ? '' : '/'}x`) !== undefined;
    case 'name':
      return /^[\w][\w.-]*$/.test(value);
    default:
      return true;
  }
}

function createMaker({ compose, registry, folder }: StandInFacts) {
  const made = new Map<string, string>();
  const texts = (compose?.files ?? []).map(({ text }) => text).join('\n');
  let port = 61_001;
  const keep = (value: string, name: string) => {
    made.set(value, name);
    return value;
  };
  const nextPorts = (span: number) => {
    const isTaken = () =>
      Array.from({ length: span }, (_, index) => String(port + index)).some((text) => texts.includes(text));
    while (isTaken()) port += 1;
    const from = port;
    port += span;
    return from;
  };
  const make = (name: string, want: Want): string => {
    const word =
      name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|(?<!-)-+$/g, '') || 'x';
    switch (want.kind) {
      case 'fixed':
        return want.value;
      case 'port': {
        const from = nextPorts(want.span);
        return keep(want.span === 1 ? String(from) : `${from}-${from + want.span - 1}`, name);
      }
      case 'ip':
        return '127.0.0.1';
      case 'path':
        return keep(`/stand-in/${word}`, name);
      case 'image':
        return keep(`stand-in.example/${word}`, name);
      case 'registry': {
        const value = registry ?? keep(`stand-in.example/${word}`, name);
        return want.slash ? `${value}/` : value;
      }
      case 'name':
        return keep(`stand-in-${word}`, name);
      case 'any': {
        const host = `${word}.stand-in.example`;
        if (/UR[IL]$|ENDPOINT$/i.test(name)) return keep(`https://${host}`, name);
        return keep(/DOMAIN|HOST(?:NAME)?$|FQDN/i.test(name) ? host : `stand-in-${word}`, name);
      }
    }
  };
  const ofShell = (name: string): string => {
    if (name === 'PWD') return folder;
    return /^E?[UG]ID$/.test(name) ? '1000' : keep(`/stand-in/shell/${name.toLowerCase()}`, name);
  };
  return { made, make, ofShell };
}
