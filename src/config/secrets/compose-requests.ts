import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Place, UserError } from '../../kernel/errors.ts';
import { type ComposeCli, type ComposeEffects, composeCli, shownPath } from '../compose/cli.ts';
import { type ComposeText, composeTexts } from '../compose/written.ts';
import type { Config, Env } from '../model.ts';
import { type ReservedSight, whyReserved } from './reserved.ts';

/** A use of a reserved variable. */
export interface ReservedRequest {
  readonly name: string;
  /** `services.web.build.args.A`. */
  readonly key: string;
  /** The service that is built with it; undefined where Compose could not say. */
  readonly service: string | undefined;
}

/**
 * Credentials of the job that the compose files would put into a build: in `build:` or in the name of its image. Compose
 * itself resolves the files, with a mark as the value of each: this finds every form of a reference, be it a default, a list, an
 * argument without a value, or a file that is included.
 *
 * @param env what the files may use; a reserved name in it is the target's own.
 * @param known names that a `.env` of the repository sets.
 * @returns what asks, of all services, whatever their profiles.
 */
export async function reservedInBuilds(
  cli: ComposeCli,
  {
    config,
    env,
    known,
    folder,
    base,
    more,
  }: {
    readonly config: Pick<Config, 'app' | 'folder' | 'compose'> & ReservedSight;
    readonly env: Env;
    readonly known: ReadonlySet<string>;
    readonly folder: string;
    readonly base: string | undefined;
    readonly more: readonly string[];
  },
  effects: ComposeEffects,
): Promise<readonly ReservedRequest[]> {
  const names = reservedHere(effects.env, config).filter(
    (name) => !Object.hasOwn(env, name) && !known.has(name),
  );
  const texts = await composeTexts(cli.files);
  // A file that is included by a name with variables is not among the texts.
  const isWhole = !texts.some(({ text }) => /\b(?:include|extends)\b/.test(text));
  const suspects = names.filter((name) => !isWhole || texts.some(({ text }) => text.includes(name)));
  if (suspects.length === 0) return [];

  const mark = randomBytes(8).toString('hex');
  const marks = Object.fromEntries(suspects.map((name, index) => [name, `sluice${mark}x${index}x`]));
  const own = join(folder, 'marked');
  await mkdir(own, { mode: 0o700 });
  const marked = await composeCli(config, { ...env, ...marks }, effects, own, base);
  // YAML, for Compose 2.26 leaves x-bake out of its JSON.
  const printed = await marked.run(['--profile', '*', 'config', '--format', 'yaml'], more);
  if (printed.code === 0) return requestsIn(parse(printed.stdout), suspects, mark);
  // A mark may be what Compose does not accept, such as in a port: then the mere mention counts.
  return suspects
    .filter((name) => texts.some(({ text }) => wordOf(name).test(text)))
    .map((name) => ({ name, key: 'A compose file', service: undefined }));
}

/** Reserved variables that are set where Sluice runs. */
export function reservedHere(own: ComposeEffects['env'], config: ReservedSight): string[] {
  return Object.keys(own).filter((name) => Boolean(own[name]) && whyReserved(name, config) !== undefined);
}

/** @returns `compose.reserved`, with the first place that mentions the name. @param hint in place of the usual one. */
export function refusal(
  { name, key }: Pick<ReservedRequest, 'name' | 'key'>,
  texts: readonly ComposeText[],
  config: ReservedSight,
  hint = 'Rename the variable, or set the app’s own value in an env file of the target.',
): UserError {
  const at = placeOfName(name, texts);
  return new UserError({
    code: 'compose.reserved',
    message: `${key} asks for ${name}, which is reserved: it is ${whyReserved(name, config)}`,
    hint,
    ...(at === undefined ? {} : { at }),
  });
}

/** The first line of the files that mentions a name. */
function placeOfName(name: string, texts: readonly ComposeText[]): Place | undefined {
  const mention = wordOf(name);
  for (const { file, text } of texts) {
    const lines = text.split('\n');
    const index = lines.findIndex((line) => mention.test(line.replace(/^\s*#.*/, '')));
    if (index >= 0)
      return { file: shownPath(file), line: index + 1, column: (lines[index]?.search(mention) ?? 0) + 1 };
  }
  return undefined;
}

function wordOf(name: string): RegExp {
  return new RegExp(`(?<![\\w-])${name.replace(/[^\w]/g, '\\$&')}(?![\\w-])`);
}

/** Marks in what is built: in `build:` and in the name of the image. */
function requestsIn(printed: unknown, names: readonly string[], mark: string): ReservedRequest[] {
  const { services } = (printed ?? {}) as { services?: Record<string, Record<string, unknown>> };
  return Object.entries(services ?? {}).flatMap(([service, { build, image }]) => {
    if (build === undefined || build === null) return [];
    const found = [
      ...marksIn(build, `services.${service}.build`, mark),
      ...marksIn(image, `services.${service}.image`, mark),
    ];
    return found.flatMap(({ index, key }) => {
      const name = names[index];
      return name === undefined ? [] : [{ name, key, service }];
    });
  });
}

function marksIn(
  value: unknown,
  key: string,
  mark: string,
): { readonly index: number; readonly key: string }[] {
  if (typeof value === 'string') {
    return [...value.matchAll(new RegExp(`sluice${mark}x(\\d+)x`, 'g'))].map(([, index]) => ({
      index: Number(index),
      key,
    }));
  }
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([inner, item]) => [
    ...marksIn(inner, key, mark),
    ...marksIn(item, Array.isArray(value) ? key : `${key}.${inner}`, mark),
  ]);
}
