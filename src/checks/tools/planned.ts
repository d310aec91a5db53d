import type { CheckSettings } from '../../config/model.ts';
import type { Category } from '../model.ts';
import type { Repo } from '../repo.ts';
import type { PlannedCheck, Tool } from '../tool.ts';

export interface ToolName {
  readonly name: string;
  readonly category: Category;
  /** Name of its checks, if it differs: `ruff format`. */
  readonly check?: string;
}

/** The specific parts of a check; its tool determines the rest. */
export type ProjectCheck = Pick<PlannedCheck, 'folder' | 'why' | 'command' | 'needs' | 'cost' | 'run'>;
type RepositoryCheck = Omit<ProjectCheck, 'folder'> & { readonly folder?: string };

/** A tool with a check for each of its projects: `ruff`, or `ruff backend` if there are several. */
export function projectTool(
  { name, category, check = name }: ToolName,
  checksOf: (repo: Repo) => readonly ProjectCheck[],
): Tool {
  return {
    name,
    category,
    plan(repo, { timeoutMs }) {
      const checks = checksOf(repo);
      const idOf = (folder: string) => (checks.length === 1 ? check : `${check} ${folder || '.'}`);
      return checks.map((one) => ({ ...one, id: idOf(one.folder), tool: name, category, timeoutMs }));
    },
  };
}

/** A tool with one check for the repository; none if `checkOf` returns undefined. */
export function repositoryTool(
  { name, category, check = name }: ToolName,
  checkOf: (repo: Repo, settings: CheckSettings) => RepositoryCheck | undefined,
): Tool {
  return {
    name,
    category,
    plan(repo, settings) {
      const found = checkOf(repo, settings);
      const { timeoutMs } = settings;
      return found === undefined
        ? []
        : [{ folder: '', ...found, id: check, tool: name, category, timeoutMs }];
    },
  };
}
