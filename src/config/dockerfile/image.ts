import { posix } from 'node:path';
import { splitWords } from '../compose/command-words.ts';
import { type ImageConfig, type ImageHealthcheck, officialImage } from '../images/image-config.ts';
import { parseDuration } from '../sluice-yml/human.ts';
import { assignmentsOf, expand, type Instruction, listOf, parseDockerfile, type Stage } from './parse.ts';

/** A COPY or ADD of the image, in the order of the file. */
export interface ImageCopy {
  /** Stage or image it copies from; undefined: the build context. */
  readonly from: string | undefined;
  readonly sources: readonly string[];
  /** Absolute path in the image; undefined where a variable hides it. A folder ends with `/`. */
  readonly target: string | undefined;
}

/** The image of a service, as its Dockerfile defines it. */
export interface DockerfileImage extends ImageConfig {
  /** COPY and ADD of the stage that is built and of the stages it is based on. */
  readonly copies: readonly ImageCopy[];
  /** All RUN lines of those stages, one a line: which programs the image gets. */
  readonly installs: string;
}

export interface DockerfileOptions {
  /** `build.target` of the service; default: the last stage. */
  readonly target?: string | undefined;
  /** `build.args`, over the defaults of the file. */
  readonly args?: Readonly<Record<string, string>>;
  /** Config of a base image, where it is known: that of a sibling's image, for instance. */
  readonly images?: (reference: string) => ImageConfig | undefined;
}

/**
 * Reads the image that a Dockerfile builds: the target stage and the stages it is based on. The configuration of the base image
 * itself is not known here, except for a few web servers.
 *
 */
export function readDockerfile(
  text: string,
  { target, args = {}, images }: DockerfileOptions = {},
): DockerfileImage {
  const { stages } = parseDockerfile(text, args);
  const built =
    target === undefined
      ? stages.at(-1)
      : (stages.find(({ name }) => name === target.toLowerCase()) ?? stages[Number(target)]);
  const chain = chainOf(built);
  const state = startingAt(chain[0]?.image, images);
  const inherited = officialPorts(state);
  for (const stage of chain)
    for (const instruction of stage.instructions) take(state, instruction, inherited);
  return state;
}

/** The stage and those it is based on, the lowest first. */
function chainOf(stage: Stage | undefined): Stage[] {
  return stage === undefined ? [] : [...chainOf(stage.base), stage];
}

type Draft = { -readonly [Key in keyof DockerfileImage]: DockerfileImage[Key] };

function startingAt(from: string | undefined, images: DockerfileOptions['images']): Draft {
  const known = from === undefined ? undefined : images?.(from);
  // The lowest base identifies a store; a custom base image is only a step in between.
  if (known !== undefined) return { ...known, from: known.from ?? from, copies: [], installs: '' };
  const base = from === undefined ? undefined : officialImage(from);
  return {
    from,
    ports: base?.ports ?? [],
    entrypoint: [],
    command: base?.command ?? [],
    healthcheck: undefined,
    user: undefined,
    volumes: base?.volumes ?? [],
    workdir: undefined,
    env: {},
    labels: {},
    copies: [],
    installs: '',
  };
}

/** @param inherited ports that only the base image declares, as they were at the beginning. */
function take(image: Draft, instruction: Instruction, inherited: ImageConfig['ports'] | undefined): void {
  const { keyword, text, list, variables } = instruction;
  const words = () => list ?? splitWords(expand(text, variables) ?? text);
  switch (keyword) {
    case 'EXPOSE':
      // A web server on another port declares it; the port of its base image stays exposed and unused.
      image.ports = [
        ...(image.ports === inherited ? [] : image.ports),
        ...portsIn(expand(text, variables) ?? ''),
      ];
      break;
    case 'CMD':
      image.command = list ?? shellForm(text);
      break;
    case 'ENTRYPOINT':
      // A new entrypoint resets the command that was inherited.
      image.entrypoint = list ?? shellForm(text);
      image.command = [];
      break;
    case 'HEALTHCHECK':
      image.healthcheck = healthcheckOf(instruction);
      break;
    case 'USER':
      image.user = expand(text.trim(), variables);
      break;
    case 'VOLUME':
      image.volumes = [...new Set([...image.volumes, ...words()])];
      break;
    case 'WORKDIR':
      image.workdir = instruction.workdir;
      break;
    case 'ENV':
      image.env = { ...image.env, ...setBy(instruction) };
      break;
    case 'COPY':
    case 'ADD':
      image.copies = [...image.copies, copyOf(instruction)];
      break;
    case 'RUN':
      image.installs += `${text}\n${instruction.heredocs.map((heredoc) => heredoc.text).join('\n')}`;
      break;
  }
}

/** The ports at the beginning, if they are those of a well-known image and nothing in between has exposed others. */
function officialPorts({ ports, from }: Draft): ImageConfig['ports'] | undefined {
  const official = from === undefined ? undefined : officialImage(from)?.ports;
  const isSame = ports.map(({ port }) => port).join() === official?.map(({ port }) => port).join();
  return isSame ? ports : undefined;
}

function portsIn(text: string): ImageConfig['ports'] {
  return text.split(/\s+/).flatMap((word) => {
    const [, first, last, protocol = 'tcp'] =
      /^["']?(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?["']?$/.exec(word) ?? [];
    if (first === undefined) return [];
    const [from, to] = [Number(first), Number(last ?? first)];
    if (from < 1 || to > 65_535 || to < from) return [];
    // A range of a media server has thousands; its ends say as much.
    const all =
      to - from < 64 ? Array.from({ length: to - from + 1 }, (_, index) => from + index) : [from, to];
    const known = (['tcp', 'udp', 'sctp'] as const).find((name) => name === protocol.toLowerCase());
    return known === undefined ? [] : all.map((port) => ({ port, protocol: known }));
  });
}

/** Docker runs the shell form by `/bin/sh -c`. */
function shellForm(text: string): string[] {
  return ['/bin/sh', '-c', text];
}

/** https://docs.docker.com/reference/dockerfile/#healthcheck */
function healthcheckOf({ text, flags }: Instruction): ImageHealthcheck | undefined {
  if (/^NONE\b/i.test(text.trim())) return undefined;
  const line = text.replace(/^\s*CMD\s+/i, '');
  const list = listOf(line);
  const value = (wanted: string) => flags.find(({ name }) => name === wanted)?.value;
  const times = {
    intervalMs: parseDuration(value('interval') ?? ''),
    timeoutMs: parseDuration(value('timeout') ?? ''),
    startPeriodMs: parseDuration(value('start-period') ?? ''),
    startIntervalMs: parseDuration(value('start-interval') ?? ''),
    retries: Number.parseInt(value('retries') ?? '', 10),
  };
  const given = Object.entries(times).filter(([, time]) => time !== undefined && !Number.isNaN(time));
  return { test: list === undefined ? ['CMD-SHELL', line] : ['CMD', ...list], ...Object.fromEntries(given) };
}

function copyOf({ text, list, flags, workdir, variables }: Instruction): ImageCopy {
  const words = list ?? splitWords(text);
  const to = expand(words.at(-1) ?? '', variables);
  const from = flags.find(({ name }) => name === 'from')?.value;
  const sources = words.slice(0, -1).map((word) => expand(word, variables) ?? word);
  return { from, sources, target: to === undefined ? undefined : absolute(to, workdir) };
}

function absolute(path: string, workdir: string | undefined): string | undefined {
  if (path.startsWith('/')) return posix.normalize(path);
  return workdir === undefined
    ? undefined
    : `${posix.join(workdir, path)}${/(?:^|\/)\.$/.test(path) ? '/' : ''}`;
}

function setBy(instruction: Instruction): Record<string, string> {
  const set = assignmentsOf(instruction).map(([name]) => [name, instruction.variables.get(name)] as const);
  return Object.fromEntries(set.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}
