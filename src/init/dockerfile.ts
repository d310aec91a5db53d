import { splitWords } from '../config/words.ts';

/** What an image says of itself that a compose file need not repeat. */
export interface ImageFacts {
  readonly ports: readonly number[];
  /** Entrypoint and command as words. */
  readonly command: readonly string[];
  /** Command of the HEALTHCHECK. */
  readonly healthcheck: string | undefined;
}

type Stage = { readonly name: string; readonly from: string; readonly lines: (readonly [string, string])[] };

/** What an image that is built on gives when the Dockerfile says nothing. */
const inherited: Readonly<Record<string, ImageFacts>> = Object.fromEntries(
  (
    [
      ['nginx', 80, 'nginx'],
      ['nginx-unprivileged', 8080, 'nginx'],
      ['httpd', 80, 'httpd'],
      ['caddy', 80, 'caddy run'],
    ] as const
  ).map(([name, port, command]) => [
    name,
    { ports: [port], command: command.split(' '), healthcheck: undefined },
  ]),
);
const nothing: ImageFacts = { ports: [], command: [], healthcheck: undefined };

/**
 * Reads EXPOSE, ENTRYPOINT, CMD and HEALTHCHECK of the stage that is built, and of the stages it stands on.
 *
 * @param target `build.target` of the service; default: the last stage.
 */
export function readDockerfile(text: string, target?: string): ImageFacts {
  const stages = stagesOf(text);
  const last =
    target === undefined ? stages.at(-1) : stages.find(({ name }) => name === target.toLowerCase());
  return last === undefined ? nothing : factsOf(last, stages, 0);
}

function stagesOf(text: string): Stage[] {
  const stages: Stage[] = [];
  const joined = text
    .replace(/\r\n?/g, '\n')
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  for (const line of joined.split('\n')) {
    const [, keyword = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(line) ?? [];
    const word = keyword.toUpperCase();
    if (word === 'FROM') {
      const [, from = '', name = ''] = /^(?:--\S+\s+)*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?/.exec(rest) ?? [];
      stages.push({ name: name.toLowerCase(), from, lines: [] });
    } else stages.at(-1)?.lines.push([word, rest.trim()]);
  }
  return stages;
}

function factsOf(stage: Stage, stages: readonly Stage[], depth: number): ImageFacts {
  const below = stages.find(
    (other) => other !== stage && other.name !== '' && other.name === stage.from.toLowerCase(),
  );
  const base = below === undefined || depth > 20 ? ofImage(stage.from) : factsOf(below, stages, depth + 1);
  let { ports, healthcheck } = base;
  let entrypoint: readonly string[] = [];
  let command = base.command;
  for (const [word, rest] of stage.lines) {
    if (word === 'EXPOSE') ports = [...(ports === base.ports ? [] : ports), ...portsIn(rest)];
    if (word === 'CMD') command = wordsOf(rest);
    // A new entrypoint resets the command that was inherited.
    if (word === 'ENTRYPOINT')
      [entrypoint, command] = [wordsOf(rest), command === base.command ? [] : command];
    if (word === 'HEALTHCHECK') healthcheck = checkIn(rest);
  }
  return { ports, healthcheck, command: [...entrypoint, ...command] };
}

function ofImage(reference: string): ImageFacts {
  const name = reference.split('@')[0]?.split('/').at(-1)?.split(':')[0] ?? '';
  return Object.hasOwn(inherited, name) ? (inherited[name] ?? nothing) : nothing;
}

function portsIn(text: string): number[] {
  return text
    .split(/\s+/)
    .map((word) => /^(\d{1,5})(?:\/tcp)?$/.exec(word)?.[1])
    .filter((port) => port !== undefined)
    .map(Number);
}

function checkIn(text: string): string | undefined {
  const [, form] = /(?:^|\s)CMD\s+(.*)$/.exec(text) ?? [];
  return form === undefined ? undefined : wordsOf(form).join(' ');
}

/** `["a", "b"]` or a line for the shell. */
function wordsOf(text: string): string[] {
  if (text.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list)) return list.map(String);
    } catch {
      // Docker, too, takes what is no JSON for a line of the shell.
    }
  }
  return splitWords(text);
}
