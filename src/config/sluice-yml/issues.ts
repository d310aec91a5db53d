import { z } from 'zod';
import { docsUrl } from '../../kernel/docs.ts';
import { UserError } from '../../kernel/errors.ts';
import { isShowable } from '../secrets/secret-names.ts';
import { configSchema } from './schema/schema.ts';
import { didYouMean, suggest } from './suggest.ts';
import { type Path, valueAt, type YamlFile } from './yaml.ts';

type Issue = z.core.$ZodIssue;

/**
 * Schema violations of a file as errors for the user: with the key's path, its place and a hint.
 * No value is repeated: people put secrets into wrong places, and logs are read by many.
 */
export function errorsOf(issues: readonly Issue[], file: YamlFile): UserError[] {
  return issues.flatMap((issue) => errorsOfIssue(issue, [], file));
}

function errorsOfIssue(issue: Issue, prefix: Path, file: YamlFile): UserError[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, file));
    case 'invalid_key':
      return [badName(path, issue, file)];
    case 'invalid_union': {
      const branch = likeliestBranch(issue.errors);
      if (branch !== undefined) return branch.flatMap((inner) => errorsOfIssue(inner, path, file));
      return [badValue(path, issue, file)];
    }
    default:
      return [badValue(path, issue, file)];
  }
}

/** Of a value that may be several things, the one it was meant to be: where not the whole value is of a wrong kind. */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const meant = branches.filter((issues) =>
    issues.every(
      (issue) => issue.path.length > 0 || (issue.code !== 'invalid_type' && issue.code !== 'invalid_union'),
    ),
  );
  return meant.length > 0
    ? meant.reduce((best, branch) => (branch.length < best.length ? branch : best))
    : undefined;
}

function unknownKey(path: Path, key: string, file: YamlFile): UserError {
  const known = keysAt(path);
  const shown = isShowable(key) ? `unknown key ${key}` : 'unknown key';
  const where = path.length === 0 ? '' : `${pathText(path)}: `;
  return new UserError({
    code: 'config.unknown-key',
    message: `${where}${shown}${didYouMean(key, known)}`,
    hint:
      suggest(key, known) === undefined && known.length > 0
        ? `Available: ${known.join(', ')}.`
        : `All keys: ${docsUrl('config')}`,
    at: file.placeOfKey(path, key),
  });
}

function badName(path: Path, issue: Issue, file: YamlFile): UserError {
  const inner = 'issues' in issue ? (issue.issues as readonly Issue[])[0] : undefined;
  const key = String(path.at(-1) ?? '');
  const parent = path.slice(0, -1);
  const shown = isShowable(key) ? `${pathText(path)}: the name` : `${pathText(parent)}: a name`;
  return new UserError({
    code: 'config.value',
    message: `${shown} ${inner?.message ?? 'is not allowed'}`,
    at: file.placeOfKey(parent, key),
  });
}

function badValue(path: Path, issue: Issue, file: YamlFile): UserError {
  const value = valueAt(file.data, path);
  const at = file.place(path);
  const where = path.length === 0 ? 'The file' : `${pathText(path)}:`;
  if (value === undefined) {
    return new UserError({
      code: 'config.missing-key',
      message: `${where} is missing; it ${issue.message}`,
      at,
    });
  }
  const code = isHostPart(path) ? 'config.host' : 'config.value';
  if (value === null) {
    const message = `${where} is empty; it ${issue.message}`;
    return new UserError({ code, message, hint: 'Set a value, or remove the line.', at });
  }
  const key = String(path.at(-1) ?? '');
  const options = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const meant = typeof value === 'string' ? didYouMean(value, options) : '';
  const hint = hintFor(key, value);
  return new UserError({
    code,
    message: `${where} ${issue.message}${meant}`,
    ...(hint === undefined ? {} : { hint }),
    at,
  });
}

/** Mistakes that are seen often. */
function hintFor(key: string, value: unknown): string | undefined {
  if (typeof value === 'number' && /^(?:for|timeout|lock-timeout|deadline|drain|max-p95)$/.test(key)) {
    return 'Add the unit: s for seconds, m for minutes, ms for milliseconds.';
  }
  return undefined;
}

function isHostPart(path: Path): boolean {
  return (
    path[0] === 'targets' &&
    path[2] === 'hosts' &&
    path.length > 3 &&
    path[4] !== 'env' &&
    path[4] !== 'services'
  );
}

/** `services.backend.port`, `targets.production.hosts[1].env`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      return `${index === 0 ? '' : '.'}${isShowable(part) ? part : '…'}`;
    })
    .join('');
}

/** Made at the first mistake: a config without one does without. */
let wholeSchema: z.core.JSONSchema.BaseSchema | undefined;

/** Keys the schema knows at a path. */
function keysAt(path: Path): string[] {
  wholeSchema ??= z.toJSONSchema(configSchema, { io: 'input' });
  let schemas: z.core.JSONSchema.BaseSchema[] = [wholeSchema];
  for (const part of path) {
    schemas = schemas.flatMap((schema) => {
      const next =
        typeof part === 'number' ? schema.items : (schema.properties?.[part] ?? schema.additionalProperties);
      return next !== null && typeof next === 'object' && !Array.isArray(next)
        ? alternatives(next as z.core.JSONSchema.BaseSchema)
        : [];
    });
  }
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function alternatives(schema: z.core.JSONSchema.BaseSchema): z.core.JSONSchema.BaseSchema[] {
  return [schema, ...((schema.anyOf ?? []) as z.core.JSONSchema.BaseSchema[]).flatMap(alternatives)];
}
