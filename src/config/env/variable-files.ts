import { objectKey } from '../compose/written.ts';
import type { CarriedFile, ComposeModel, Env } from '../model.ts';

/** Secrets and configs whose content is a variable: the server does not have it, so they travel as files. */
export function filesOfVariables(model: ComposeModel, values: Env): Record<string, readonly CarriedFile[]> {
  const kinds = ['secrets', 'configs'] as const;
  const all = kinds.flatMap((kind) =>
    Object.entries(model[kind] ?? {}).flatMap(([name, { environment }]) => {
      const content = environment === undefined ? undefined : values[environment];
      if (environment === undefined || content === undefined) return [];
      const size = Buffer.byteLength(content);
      const file: CarriedFile = { path: environment, file: '', mode: 0o644, size, content };
      return [[objectKey(kind, name), [file]] as const];
    }),
  );
  return Object.fromEntries(all);
}
