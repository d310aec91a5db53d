import { z } from 'zod';
import type { ImageConfig, ImageHealthcheck } from '../../config/model.ts';

const texts = z.array(z.string()).nullish();
/** Go's map with empty values: a set. */
const set = z.record(z.string(), z.unknown()).nullish();
/** A Go duration: nanoseconds, and 0 for "the default". */
const duration = z.number().nullish();

const schema = z.object({
  User: z.string().nullish(),
  ExposedPorts: set,
  Env: texts,
  Entrypoint: texts,
  Cmd: texts,
  Volumes: set,
  WorkingDir: z.string().nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  Healthcheck: z
    .object({
      Test: texts,
      Interval: duration,
      Timeout: duration,
      StartPeriod: duration,
      StartInterval: duration,
      Retries: z.number().nullish(),
    })
    .nullish(),
});

/**
 * `config` of an image's configuration blob, or `Config` of an engine's answer: both have Docker's keys
 * (moby/docker-image-spec, spec.md). Times are nanoseconds there. Engines leave out empty keys since 29.
 *
 * @throws Error if a key has another shape.
 */
export function imageConfigOf(json: unknown): ImageConfig {
  const { success, data: image, error } = schema.safeParse(json);
  if (!success) {
    const key = error.issues[0]?.path.join('.') ?? '';
    throw new Error(`the configuration of the image is malformed (${key})`, { cause: error });
  }
  const healthcheck = healthcheckOf(image.Healthcheck);
  return {
    ports: Object.keys(image.ExposedPorts ?? {}).flatMap(portsOf),
    entrypoint: image.Entrypoint ?? [],
    command: image.Cmd ?? [],
    volumes: Object.keys(image.Volumes ?? {}),
    env: Object.fromEntries((image.Env ?? []).map(variableOf)),
    labels: image.Labels ?? {},
    ...(healthcheck === undefined ? {} : { healthcheck }),
    ...(image.User ? { user: image.User } : {}),
    ...(image.WorkingDir ? { workdir: image.WorkingDir } : {}),
  };
}

/** `8000/tcp`, `53/udp`, `8000` (tcp), and the ranges that other builders leave as they are. */
function portsOf(text: string): ImageConfig['ports'] {
  const [, first, last = first, name = 'tcp'] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(\w+))?$/.exec(text) ?? [];
  const protocol = (['tcp', 'udp', 'sctp'] as const).find((candidate) => candidate === name.toLowerCase());
  if (protocol === undefined || Number(last) > 65_535) return [];
  const count = Number(last) - Number(first) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => ({
    port: Number(first) + index,
    protocol,
  }));
}

function variableOf(text: string): [string, string] {
  const equals = text.indexOf('=');
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
}

function healthcheckOf(json: z.output<typeof schema>['Healthcheck']): ImageHealthcheck | undefined {
  const test = json?.Test ?? [];
  // An empty test means "inherit", and an image has inherited already.
  if (test.length === 0 || test[0] === 'NONE') return undefined;
  const times = {
    intervalMs: json?.Interval,
    timeoutMs: json?.Timeout,
    startPeriodMs: json?.StartPeriod,
    startIntervalMs: json?.StartInterval,
  };
  const given = Object.entries(times).flatMap(([key, time]) => (time ? [[key, time / 1e6] as const] : []));
  return { test, ...Object.fromEntries(given), ...(json?.Retries ? { retries: json.Retries } : {}) };
}
