import { posix } from 'node:path';
import type { Instruction, Stage } from '../../../config/dockerfile/parse.ts';
import { inFolder } from '../../repo.ts';
import { chainOf, contextFiles, copied, type ImageBuild } from '../image/build.ts';
import { hasCacheMount, installsOf } from '../image/installs.ts';
import type { Hit, Rule } from '../rule.ts';

/** Manifests and lock files of package managers. */
const manifest =
  /(?:^|\/)(?:package(?:-lock)?\.json|requirements[\w.-]*\.txt|pyproject\.toml|Pipfile|poetry\.lock|uv\.lock|yarn\.lock|pnpm-lock\.yaml|go\.mod|Cargo\.toml|composer\.json|Gemfile|pom\.xml)$/;

export const copyBeforeInstall: Rule<ImageBuild> = {
  id: 'dockerfile/copy-before-install',
  severity: 'medium',
  level: 'fail',
  title: 'Packages are installed before the code is copied.',
  why: 'Docker reuses a layer only if all layers before it are unchanged. After COPY . every code change discards the installed packages, and the next build downloads all of them again: minutes instead of seconds.',
  fix: 'Copy only the manifest and its lock file, install, then copy the rest.',
  source: {
    name: 'Docker: order your layers',
    url: 'https://docs.docker.com/build/cache/optimize/#order-your-layers',
  },
  example: {
    file: 'Dockerfile',
    beside: { 'requirements.txt': 'fastapi==0.121.0\n', 'app.py': '', '.dockerignore': '.git\n' },
    bad: `FROM python:3.13-slim
WORKDIR /app
COPY . .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
USER 10001
CMD ["gunicorn", "app"]
`,
    good: `FROM python:3.13-slim
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip pip install -r requirements.txt
COPY . .
USER 10001
CMD ["gunicorn", "app"]
`,
  },
  check: (image) => image.stages.flatMap((stage) => hitsIn(stage, image)),
};

function hitsIn(stage: Stage, image: ImageBuild): Hit[] {
  const hits = new Map<string, Hit>();
  /** Managers that have installed from a manifest already: after COPY . they have little left to do. */
  const done = new Set<string>();
  let broad: Instruction | undefined;
  let hasManifest = false;
  for (const one of chainOf(stage)) {
    for (const instruction of one.instructions) {
      broad ??= isBroad(instruction, image, hasManifest) ? instruction : undefined;
      hasManifest ||= bringsManifest(instruction);
      for (const install of installsOf(instruction)) {
        if (broad === undefined) {
          // A build of the manifests with a dummy for the code downloads and compiles all dependencies.
          if (install.kind === 'dependencies' || install.kind === 'build') done.add(install.manager);
        } else if (one === stage && !done.has(install.manager) && !hits.has(install.manager)) {
          if (!isHeavy(install.kind, instruction, image)) continue;
          hits.set(install.manager, hitOf(install.manager, install.kind, instruction, broad, image));
        }
      }
    }
  }
  return [...hits.values()];
}

function isHeavy(kind: string, instruction: Instruction, image: ImageBuild): boolean {
  // Wheels from an earlier stage are only unpacked.
  if (kind !== 'build')
    return !/--no-deps\b|--no-build-isolation\b|--no-index\b|\/wheels?\b|\.whl\b/.test(instruction.text);
  // A build belongs after COPY . and is reported only if it downloads modules each time.
  const locked = contextFiles(image).some((file) => /(?:^|\/)(?:go\.sum|Cargo\.lock|pom\.xml)$/.test(file));
  return locked && !hasCacheMount(instruction);
}

function hitOf(
  manager: string,
  kind: string,
  { line, endLine }: Instruction,
  broad: Instruction,
  image: ImageBuild,
): Hit {
  const what = kind === 'build' ? `The ${manager} build downloads its modules` : `${manager} installs`;
  return {
    file: image.path,
    line,
    endLine,
    message: `${what} after ${broad.keyword} in line ${broad.line}, so every code change installs everything again.`,
  };
}

/** Whether an instruction copies manifests by name, not with the code. */
function bringsManifest(instruction: Instruction): boolean {
  if (instruction.keyword !== 'COPY' || instruction.flags.some(({ name }) => name === 'from')) return false;
  return copied(instruction).sources.some(
    (source) =>
      manifest.test(source.replace(/\*/g, '')) ||
      /\.lock$|^Cargo\.\*$|(?:^|\/)(?:Cargo|composer|package)[*.]/.test(source),
  );
}

/**
 * Whether an instruction copies the code together with the manifests. If the manifests were copied before, a folder is a part
 * that the install needs: patches, a crate of the workspace.
 */
function isBroad(instruction: Instruction, image: ImageBuild, hasManifest: boolean): boolean {
  if (instruction.keyword !== 'COPY' && instruction.keyword !== 'ADD') return false;
  if (instruction.flags.some(({ name }) => name === 'from')) return false;
  return copied(instruction).sources.some((source) => {
    const path = posix.normalize(source.replace(/^\/+/, '')).replace(/\/$/, '');
    if (path === '' || path === '.' || path === '*') return true;
    if (hasManifest) return false;
    const below = contextFiles(image).filter((file) => file.startsWith(`${path}/`));
    return below.some((file) => manifest.test(file)) && below.some((file) => !isManifest(file));
  });
}

function isManifest(file: string): boolean {
  return manifest.test(inFolder('', file)) || /\.(?:txt|lock|toml|json|ya?ml|cfg|md)$/.test(file);
}
