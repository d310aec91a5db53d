import type { ComposeService } from '../model.ts';
import { commandLine } from './programs.ts';

/** Processes that serve or work in one container. */
export interface Processes {
  readonly count: number;
  /** The source of the number, for a sentence: `--workers`, `WEB_CONCURRENCY`; undefined: the default. */
  readonly from: string | undefined;
  /** `gunicorn`, `celery`; undefined for a program that is not known. */
  readonly program: string | undefined;
  /** Whether nothing that can't be read here may say otherwise: a configuration file, the cores of the host. */
  readonly certain: boolean;
}

/** Facts about an image that the compose file does not have. */
export interface ImageHints {
  /** Command that the image starts when the service names none. */
  readonly command?: string;
  /** Text of its gunicorn.conf.py. */
  readonly gunicorn?: string;
  /** Connections one process may open, as its source says. */
  readonly pool?: number;
}

type Program = readonly [name: string, pattern: RegExp, option: RegExp, variables: readonly string[]];

/** Gunicorn and uvicorn read the first; start scripts often use the second. */
const web = ['WEB_CONCURRENCY', 'WORKERS'];
/** Programs, the option that sets their processes, and the variables they read. */
const programs: readonly Program[] = [
  ['gunicorn', /\bgunicorn\b/, /(?:\s-w|--workers)[= ]?\s*(\S+)/, web],
  ['uvicorn', /\buvicorn\b/, /--workers[= ](\S+)/, web],
  ['hypercorn', /\bhypercorn\b/, /(?:\s-w|--workers)[= ]?\s*(\S+)/, []],
  ['granian', /\bgranian\b/, /--workers[= ](\S+)/, ['GRANIAN_WORKERS']],
  ['uwsgi', /\buwsgi\b/, /(?:\s-p|--processes|--workers)[= ](\S+)/, ['UWSGI_PROCESSES', 'UWSGI_WORKERS']],
  ['celery', /\bcelery\b.{0,300}\sworker\b/, /(?:\s-c|--concurrency|--autoscale)[= ]?\s*(\S+)/, []],
  ['puma', /\bpuma\b|\brails\s+s(?:erver)?\b/, /(?:\s-w|--workers)[= ]?\s*(\S+)/, web],
  ['pm2', /\bpm2(?:-runtime)?\b/, /(?:\s-i|--instances)[= ]?\s*(\S+)/, []],
  ['dramatiq', /\bdramatiq\b/, /(?:\s-p|--processes)[= ]?\s*(\S+)/, []],
];
/** For programs that are not known: what such an option is mostly called. */
const anyOption = /(?:--concurrency|--workers|-w|-c)[= ](\d+)/;

/**
 * Processes of a container, from the command, the configuration file of gunicorn, and the variables that the servers
 * read; one by default.
 */
export function processesOf(service: ComposeService, hints: ImageHints = {}): Processes {
  const line = startLine(service, hints);
  const program = programs.find(([, pattern]) => pattern.test(line));
  const name = program?.[0];
  const option = (program?.[2] ?? anyOption).exec(line);
  const commanded = countOf(option?.[1], service);
  if (commanded !== undefined) {
    const word = /^\s*(-+[\w-]+)/.exec(option?.[0] ?? '')?.[1];
    return { count: commanded, from: word, program: name, certain: true };
  }
  // The configuration file takes precedence over the variable that gunicorn uses as its default.
  const written = name === 'gunicorn' ? gunicornWorkers(hints.gunicorn, service) : undefined;
  if (written !== undefined)
    return { count: written, from: 'gunicorn.conf.py', program: name, certain: true };
  for (const variable of program?.[3] ?? web) {
    const given = countOf(service.environment?.[variable] ?? undefined, service);
    if (given !== undefined) return { count: given, from: variable, program: name, certain: true };
  }
  const computed = /^workers\s*=/m.test(hints.gunicorn ?? '');
  const configured =
    /\s(?:-c|-C|--config|--ini|--yaml|--conf)[= ]/.test(line) && hints.gunicorn === undefined;
  const byCores = name === 'celery' || name === 'pm2' || name === 'dramatiq' || name === 'uwsgi';
  return { count: 1, from: undefined, program: name, certain: !computed && !configured && !byCores };
}

/** The command of the container: its own, else that of its image. */
function startLine(service: ComposeService, hints: ImageHints = {}): string {
  const own = commandLine(service);
  return own === '' || service.command === undefined || service.command === null
    ? `${own} ${hints.command ?? ''}`.trim()
    : own;
}

/** `4`, `4,2` (autoscale), `$WORKERS`, `${WORKERS:-4}` with the service's variables. */
function countOf(text: string | undefined, service: ComposeService): number | undefined {
  const word = text?.replace(/^["']|["']$/g, '');
  const [, name = '', fallback] = /^\$\{?(\w+)(?::?-(\d+))?\}?$/.exec(word ?? '') ?? [];
  const value = name === '' ? word : (service.environment?.[name] ?? fallback);
  const count = Number(/^\d+/.exec(String(value ?? ''))?.[0]);
  return Number.isInteger(count) && count > 0 ? count : undefined;
}

/** `workers = 4`, `workers = int(os.environ.get("WEB_CONCURRENCY", "2"))`; nothing of what is computed. */
function gunicornWorkers(text: string | undefined, service: ComposeService): number | undefined {
  const value = /^workers[ \t]*=[ \t]*([^\s#](?:[^#\n]*[^\s#])?)/m.exec(text ?? '')?.[1];
  if (value === undefined) return undefined;
  const [, name = '', fallback] =
    /^int\(\s*os\.(?:getenv|environ\.get)\(\s*["'](\w+)["'](?:\s*,\s*["']?(\d+)["']?)?\s*\)(?:\s*or\s*\d+)?\s*\)$/.exec(
      value,
    ) ?? [];
  if (name !== '') return countOf(service.environment?.[name] ?? fallback, service);
  return /^\d+$/.test(value) ? Number(value) : undefined;
}

/** Bytes one process may take, where an option limits it: of Celery (KiB), Node (MiB), pm2. */
export function processMemoryOf(service: ComposeService, hints: ImageHints = {}): number | undefined {
  const line = `${startLine(service, hints)} ${service.environment?.['NODE_OPTIONS'] ?? ''}`;
  const celery = /--max-memory-per-child[= ](\d+)/.exec(line)?.[1];
  if (celery !== undefined) return Number(celery) * 1024;
  const node = /--max[-_]old[-_]space[-_]size[= ](\d+)/.exec(line)?.[1];
  return node === undefined ? undefined : Number(node) * 1024 ** 2;
}
