import { isIP } from 'node:net';
import { type Place, UserError } from '../../kernel/errors.ts';
import { placeOfItem, type WrittenCompose } from '../compose/written.ts';
import type { ComposeModel, ComposePort } from '../model.ts';

/** Addresses of the server that a port is published on, one for each family; `any` for all of a family. */
interface Addresses {
  readonly v4: string | undefined;
  readonly v6: string | undefined;
}

interface Publication {
  readonly service: string;
  /** `80`, `127.0.0.1:8080`, `53/udp`. */
  readonly shown: string;
  readonly protocol: string;
  readonly addresses: Addresses;
  /** A single port, or the range that docker takes a free one of. */
  readonly first: number;
  readonly last: number;
  readonly target: number;
}

/**
 * Ports of the server that two services publish: the second container does not start. All of them at once.
 *
 * @param names services that run on the same server; undefined: all of the model.
 */
export function portFaults(
  model: ComposeModel,
  {
    names,
    written,
  }: { readonly names?: readonly string[]; readonly written?: WrittenCompose | undefined } = {},
): UserError[] {
  const all = Object.entries(model.services)
    .filter(([name]) => names?.includes(name) ?? true)
    .flatMap(([name, service]) => (service.ports ?? []).flatMap((port) => publicationOf(name, port)));
  const taken: Publication[] = [];
  const faults: UserError[] = [];
  // A range has other ports to take as long as one is free, so single ports come first.
  const inOrder = [...all.filter((publication) => !isRange(publication)), ...all.filter(isRange)];
  for (const publication of inOrder) {
    const inWay = range(publication).map((port) =>
      taken.find((other) => other.first === port && overlaps(publication, other)),
    );
    const free = inWay.indexOf(undefined);
    if (free >= 0)
      taken.push({ ...publication, first: publication.first + free, last: publication.first + free });
    else if (inWay[0] !== undefined) faults.push(clash(inWay[0], publication, placeOf(publication, written)));
  }
  return faults;
}

function publicationOf(
  service: string,
  { published, protocol = 'tcp', host_ip: ip, target }: ComposePort,
): Publication[] {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(published ?? '') ?? [];
  if (first === undefined || Number(first) === 0) return [];
  const address = ip === undefined || ip === '' ? '' : `${ip.includes(':') ? `[${ip}]` : ip}:`;
  return [
    {
      service,
      shown: `${address}${published}${protocol === 'tcp' ? '' : `/${protocol}`}`,
      protocol,
      addresses: addressesOf(ip),
      first: Number(first),
      last: Math.max(Number(first), Number(last ?? first)),
      target,
    },
  ];
}

/** Docker listens on both families unless an address is named (docs.docker.com/engine/network/port-publishing). */
function addressesOf(ip: string | undefined): Addresses {
  if (ip === undefined || ip === '') return { v4: 'any', v6: 'any' };
  const bare = ip.replace(/^\[|\]$/g, '');
  if (isIP(bare) === 6) {
    // One spelling for each address: ::1 and 0:0:0:0:0:0:0:1.
    const { hostname } = new URL(`http://[${bare.split('%')[0]}]`);
    return { v4: undefined, v6: hostname === '[::]' ? 'any' : hostname };
  }
  return { v4: bare === '0.0.0.0' ? 'any' : bare, v6: undefined };
}

function overlaps(a: Publication, b: Publication): boolean {
  if (a.protocol !== b.protocol) return false;
  return (['v4', 'v6'] as const).some((family) => {
    const [one, other] = [a.addresses[family], b.addresses[family]];
    return one !== undefined && other !== undefined && (one === other || one === 'any' || other === 'any');
  });
}

function isRange({ first, last }: Publication): boolean {
  return last > first;
}

function range({ first, last }: Publication): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function clash(first: Publication, second: Publication, at: Place | undefined): UserError {
  const isOne = first.service === second.service;
  const both =
    first.shown === second.shown ? `port ${first.shown}` : `the ports ${first.shown} and ${second.shown}`;
  return new UserError({
    code: 'compose.port-clash',
    message: isOne
      ? `services.${first.service}.ports: ${both} of the server ${first.shown === second.shown ? 'appears twice' : 'overlap'}`
      : `services.${first.service} and services.${second.service} both publish ${both} of the server`,
    hint: isOne
      ? 'Remove one of the two.'
      : `Give ${second.service} another port, or remove its \`ports:\` (an anchor or \`extends\` may have copied them).`,
    ...(at === undefined ? {} : { at }),
  });
}

function placeOf({ service, target }: Publication, written: WrittenCompose | undefined): Place | undefined {
  return placeOfItem(written?.files ?? [], service, 'ports', (item) =>
    typeof item === 'object'
      ? (item as { target?: unknown } | null)?.target === target
      : new RegExp(`(?:^|:)${target}(?:/\\w+)?$`).test(String(item)),
  );
}
