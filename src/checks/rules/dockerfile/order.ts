import { posix } from 'node:path';
import type { Instruction, Stage } from '../../../config/dockerfile/parse.ts';
import { inFolder } from '../../repo.ts';
import { chainOf, contextFiles, copied, type ImageBuild } from '../image/build.ts';
import { hasCacheMount, installsOf } from '../image/installs.ts';
import type { Hit, Rule } from '../rule.ts';

/** What the package managers read; beside it in a folder lies the code. */
const manifest =
  /(?:^|\/)(?:package(?:-lock)?\.json|requirements[\w.-]*\.txt|pyproject\.toml|Pipfile|poetry\.lock|uv\.lock|yarn\.lock|pnpm-lock\.yaml|go\.mod|Cargo\.toml|composer\.json|Gemfile|pom\.xml)$/;

export const copyBeforeInstall: Rule<ImageBuild> = {
  id: 'dockerfile/copy-before-install',
  severity: 'medium',
  level: 'fail',
  title: 'Packages are installed before the code is copied.',
  why: 'A layer is used again only while nothing below it has changed. Behind COPY . every change of the code throws the installed packages away, and the next build fetches all of them again: minutes in place of seconds.',
  fix: 'Copy the manifest and its lock file alone, install, and copy the rest after that.',
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
  /** Managers that have installed from a manifest alone: what they do after COPY . is little. */
  const done = new Set<string>();
  let broad: Instruction | undefined;
  let hasManifest = false;
  for (const one of chainOf(stage)) {
    for (const instruction of one.instructions) {
      broad ??= isBroad(instruction, image, hasManifest) ? instruction : undefined;
      hasManifest ||= bringsManifest(instruction);
      for (const install of installsOf(instruction)) {
        if (broad === undefined) {
          // A build of the manifests alone, with a dummy for the code, fetches and compiles what they list.
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
  // Wheels that an earlier stage made are only unpacked.
  if (kind !== 'build')
    return !/--no-deps\b|--no-build-isolation\b|--no-index\b|\/wheels?\b|\.whl\b/.test(instruction.text);
  // A build belongs behind COPY . and is told only where it fetches modules each time.
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
  const what = kind === 'build' ? `The build by ${manager} fetches its modules` : `${manager} installs`;
  return {
    file: image.path,
    line,
    endLine,
    message: `${what} behind ${broad.keyword} in line ${broad.line}, so every change of the code installs everything again.`,
  };
}

/** Whether an instruction brings manifests by their names, and not along with the code. */
function bringsManifest(instruction: Instruction): boolean {
  if (instruction.keyword !== 'COPY' || instruction.flags.some(({ name }) => name === 'from')) return false;
  return copied(instruction).sources.some(
    (source) =>
      manifest.test(source.replace(/\*/g, '')) ||
      /\.lock$|^Cargo\.\*$|(?:^|\/)(?:Cargo|composer|package)[*.]/.test(source),
  );
}

/**
 * Whether an instruction brings the code along with the manifests. Where the manifests came by themselves, a folder is a part
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
