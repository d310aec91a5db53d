import { missingBuildFiles } from '../../config/compose/build-files.ts';
import type { ComposeModel } from '../../config/model.ts';
import { UserErrors } from '../../kernel/errors.ts';
import type { Seen } from './repository.ts';

/**
 * Checks that the build contexts and Dockerfiles of the compose files exist. Paths with a variable that has no default are
 * skipped: here they have stand-ins.
 *
 * @throws UserErrors `build.files`.
 */
export async function checkBuildFiles(
  { folder, compose, variables }: Pick<Seen, 'folder' | 'compose' | 'variables'>,
  model: ComposeModel,
): Promise<void> {
  const files = compose?.files ?? [];
  const open = variables.filter(({ fallback }) => fallback === undefined).map(({ name }) => name);
  const isUncertain = (service: string) =>
    files.some((file) => {
      const text = JSON.stringify(pathsOf(file.services[service]?.['build']));
      return open.some((name) => new RegExp(`\\$\\{?${name}\\b`).test(text));
    });
  const config = { folder, compose: files.map(({ path }) => path) };
  const missing = await missingBuildFiles(model, config, isUncertain);
  if (missing.length > 0) throw new UserErrors(missing);
}

function pathsOf(build: unknown): unknown {
  if (build === null || typeof build !== 'object') return [build];
  const { context, dockerfile, additional_contexts: contexts } = build as Record<string, unknown>;
  return [context, dockerfile, contexts];
}
