import { posix } from 'node:path';
import { parseDocument } from 'yaml';
import { inFolder, type Repo } from '../repo.ts';
import { recordOf, textList } from './json-text.ts';

/**
 * Patterns of the folders whose packages are installed together with those of `folder`; none if it is not a workspace
 * root. npm and Yarn keep them in package.json, pnpm in pnpm-workspace.yaml.
 */
export function workspacePatterns(repo: Repo, folder: string, manifest: unknown): readonly string[] {
  const pnpm = repo.read(inFolder(folder, 'pnpm-workspace.yaml'));
  if (pnpm !== undefined) return textList(recordOf(yamlOf(pnpm))['packages']);
  const { workspaces } = recordOf(manifest);
  return textList(Array.isArray(workspaces) ? workspaces : recordOf(workspaces)['packages']);
}

/** @param inner folder of a package, from the top of the repository. */
export function isWorkspace(root: string, patterns: readonly string[], inner: string): boolean {
  if (root !== '' && !inner.startsWith(`${root}/`)) return false;
  const path = root === '' ? inner : inner.slice(root.length + 1);
  const matches = (pattern: string) => globOf(pattern.replace(/^!/, '')).test(path);
  const named = patterns.filter((pattern) => !pattern.startsWith('!'));
  const excluded = patterns.filter((pattern) => pattern.startsWith('!'));
  return named.some(matches) && !excluded.some(matches);
}

function globOf(pattern: string): RegExp {
  const plain = posix.normalize(pattern).replace(/\/$/, '');
  const source = plain
    .split(/(\*\*\/?|\*|\?|\{[^{}]*\})/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      if (/^\{.*\}$/.test(part)) return `(?:${part.slice(1, -1).split(',').map(literal).join('|')})`;
      return literal(part);
    })
    .join('');
  return new RegExp(`^${source}$`);
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function yamlOf(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : (document.toJS() as unknown);
}
