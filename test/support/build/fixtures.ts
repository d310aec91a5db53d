import type { GitRef } from '../../../src/build/git/ref.ts';
import type { BuildTarget } from '../../../src/build/model.ts';

export function target(changes: Partial<BuildTarget> = {}): BuildTarget {
  return {
    name: 'backend',
    services: ['backend'],
    context: '/repo/backend',
    dockerfile: { kind: 'file', path: '/repo/backend/Dockerfile' },
    target: undefined,
    args: {},
    secrets: [],
    ssh: [],
    platforms: [],
    contexts: {},
    cacheFrom: [],
    cacheTo: [],
    repository: 'ghcr.io/acme/shop/backend',
    labels: {},
    pull: false,
    noCache: false,
    ...changes,
  };
}

export function gitRef(kind: GitRef['kind'], name: string, changes: Partial<GitRef> = {}): GitRef {
  return {
    kind,
    name,
    sha: '0123456789abcdef0123456789abcdef01234567',
    dirty: false,
    defaultBranch: 'main',
    foreign: undefined,
    notes: [],
    url: 'https://github.com/acme/shop',
    tags: [],
    ...changes,
  };
}
