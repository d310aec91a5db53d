import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Strategy } from '../../src/config/model.ts';

/** One acceptable way to deploy a service: `blue-green 8000/http 8081/tcp /health`. */
export interface Way {
  readonly strategy: Strategy | 'absent';
  /** The main one first; empty: not compared. A port without a mode may have either. */
  readonly ports: readonly { readonly port: number; readonly mode: 'http' | 'tcp' | undefined }[];
  /** undefined: not compared. */
  readonly health: string | undefined;
}

/** What a DevOps engineer decided about a repository before Sluice was asked. */
export interface Expectation {
  readonly stack: string;
  /** Arguments of `sluice init` besides the server. */
  readonly init: readonly string[];
  /** Values of variables in production, over those of the repository's example files. */
  readonly env: Readonly<Record<string, string>>;
  readonly compose: readonly string[] | undefined;
  /** Acceptable ways by service. */
  readonly services: Readonly<Record<string, readonly Way[]>>;
  /** Services whose labels or variables a routing proxy reads, and which exist in two colors. */
  readonly routing: readonly string[];
  /** `none`, or the service and a pattern for its command; undefined: not compared. */
  readonly migrate: string | undefined;
  /** `none`, or the service of the database; undefined: not compared. */
  readonly backup: string | undefined;
  /** How many images are built; undefined: not compared. */
  readonly builds: number | undefined;
  /** Paths in containers that only a development mount covers. */
  readonly leftOut: readonly string[];
  /** Patterns that the output must have: what is not handled. */
  readonly named: readonly string[];
  /** Compose files that must not be reported as other apps. */
  readonly strangersNot: readonly string[];
  /** Patterns of findings of Sluice's own rules that would be false alarms: `dockerfile/copy-from-missing web/Dockerfile`. */
  readonly falseAlarms: readonly string[];
  /** Pattern of the error that must stop init or the offline plan; undefined: nothing may. */
  readonly refuses: string | undefined;
}

const names = z.array(z.string()).default([]);
const schema = z.strictObject({
  stack: z.string(),
  init: names,
  env: z.record(z.string(), z.coerce.string()).default({}),
  compose: z.array(z.string()).optional(),
  services: z.record(z.string(), z.string()).default({}),
  routing: names,
  migrate: z.string().optional(),
  backup: z.string().optional(),
  builds: z.number().optional(),
  'left-out': names,
  named: names,
  'strangers-not': names,
  'false-alarms': names,
  refuses: z.string().optional(),
});

const strategies = ['blue-green', 'workers', 'singleton', 'recreate', 'keep', 'job', 'absent'] as const;

/** @throws if the file is missing or is not an expectation. */
export async function readExpectation(file: string): Promise<Expectation> {
  const read = schema.parse(parse(await readFile(file, 'utf8')));
  const services = Object.entries(read.services).map(([name, text]) => [
    name,
    waysOf(text, `${file}: ${name}`),
  ]);
  for (const pattern of [...read.named, ...read['false-alarms'], read.refuses ?? '']) patternOf(pattern);
  return {
    stack: read.stack,
    init: read.init,
    env: read.env,
    compose: read.compose,
    services: Object.fromEntries(services) as Expectation['services'],
    routing: read.routing,
    migrate: read.migrate,
    backup: read.backup,
    builds: read.builds,
    leftOut: read['left-out'],
    named: read.named,
    strangersNot: read['strangers-not'],
    falseAlarms: read['false-alarms'],
    refuses: read.refuses,
  };
}

/** A pattern of an expectation; `(?i)` at its beginning makes it blind to case. */
export function patternOf(text: string): RegExp {
  return text.startsWith('(?i)') ? new RegExp(text.slice(4), 'i') : new RegExp(text);
}

/** @param text ways with `|` between them. */
export function waysOf(text: string, at: string): Way[] {
  return text.split('|').map((part) => {
    const [strategy = '', ...rest] = part.trim().split(/\s+/);
    const known = strategies.find((candidate) => candidate === strategy);
    if (known === undefined) throw new Error(`${at}: "${strategy}" is not a strategy`);
    const ports = rest.filter((word) => !word.startsWith('/')).map((word) => portOf(word, at));
    return { strategy: known, ports, health: rest.find((word) => word.startsWith('/')) };
  });
}

function portOf(word: string, at: string): Way['ports'][number] {
  const [, port, mode] = /^(\d+)(?:\/(http|tcp))?$/.exec(word) ?? [];
  if (port === undefined) throw new Error(`${at}: "${word}" is not a port`);
  return { port: Number(port), mode: mode as 'http' | 'tcp' | undefined };
}
