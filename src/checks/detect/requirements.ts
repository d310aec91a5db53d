import { posix } from 'node:path';
import { folderOf, type Repo } from '../repo.ts';

/** Usual names of extras, groups and requirements files that hold the tools for checks. */
export const forDevelopment =
  /^(?:dev|develop|development|tests?|testing|pytest|lint|linting|linters?|typing|types|type-?check|mypy|ci|qa|quality|style|format|checks?|local)$/i;

/** A required package. */
export interface Requirement {
  /** As PEP 503 writes it: lower case, `-` for each run of `-`, `_` and `.`. */
  readonly name: string;
  /** Only where exactly one version is allowed. */
  readonly version?: string;
  /** Whether it is for some platforms or versions of Python only. */
  readonly conditional: boolean;
}

interface RequirementsFile {
  readonly requirements: readonly Requirement[];
  /** Itself and what it includes with `-r` and `-c`, as far as it is in the repository. */
  readonly files: readonly string[];
  /** Whether it installs a package of the repository itself: `-e .`, `./lib`. */
  readonly local: boolean;
}

/** Reads a requirements file and what it includes; pip's own options in it are left to pip. */
export function readRequirements(repo: Repo, file: string, seen = new Set<string>()): RequirementsFile {
  const requirements: Requirement[] = [];
  const files = [file];
  let local = false;
  seen.add(file);
  for (const line of (repo.read(file) ?? '').replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const text = line.replace(/(?:^|\s)#[\s\S]*$/, '').trim();
    const [, option, value] = /^(-r|-c|--requirement|--constraint)[\s=]*(\S+)$/.exec(text) ?? [];
    if (option !== undefined && value !== undefined) {
      const path = posix.join(folderOf(file), value);
      if (seen.has(path) || repo.read(path) === undefined) continue;
      const included = readRequirements(repo, path, seen);
      files.push(...included.files);
      if (/^(?:-c|--c)/.test(option)) continue;
      requirements.push(...included.requirements);
      local ||= included.local;
    } else if (/^(?:-e|--editable)\b/.test(text) || /^(?:\.|file:|[\w.-]+\s*@\s*file:)/.test(text)) {
      local = true;
    } else {
      const requirement = readRequirement(text);
      if (requirement !== undefined) requirements.push(requirement);
    }
  }
  return { requirements, files, local };
}

/**
 * Reads one requirement as PEP 508 writes it: `ruff==0.17.5`, `celery[redis]>=5 ; python_version < "3.13"`.
 *
 * @returns undefined for anything else, such as an option of pip or a bare URL.
 */
export function readRequirement(text: string): Requirement | undefined {
  const [, name, rest = ''] =
    /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined || /^[/\\:+]/.test(rest)) return undefined;
  const version = /^\(?\s*={2,3}\s*([^\s,;)*]+)\s*(?:\)\s*)?(?:;|--|$)/.exec(rest)?.[1];
  return {
    name: packageName(name),
    ...(version === undefined ? {} : { version }),
    conditional: rest.includes(';'),
  };
}

/** The one spelling of a package's name, see PEP 503. */
export function packageName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-');
}
