import type { Instruction, Stage } from '../../../config/dockerfile/parse.ts';
import {
  chainOf,
  contextFiles,
  copied,
  type ImageBuild,
  instructionsOf,
  stageCalled,
} from '../image/build.ts';
import { commandsOf, type Install, installsOf } from '../image/installs.ts';
import type { Hit, Rule } from '../rule.ts';

export const devDependencies: Rule<ImageBuild> = {
  id: 'dockerfile/dev-dependencies',
  severity: 'medium',
  level: 'fail',
  title: 'The final image contains no development packages.',
  why: 'Compilers, linters and test runners double the size of the image, and their vulnerabilities reach production.',
  fix: 'Install with npm ci --omit=dev in the final stage, or prune (npm prune --omit=dev) before node_modules is copied.',
  source: { name: 'npm: the option omit', url: 'https://docs.npmjs.com/cli/commands/npm-ci#omit' },
  example: {
    file: 'Dockerfile',
    beside: {
      'package.json': '{ "devDependencies": { "vitest": "4.1.0" } }\n',
      'package-lock.json': '{}\n',
      '.dockerignore': 'node_modules\n',
    },
    bad: `FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
USER node
CMD ["node", "server.js"]
`,
    good: `FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev
COPY . .
USER node
CMD ["node", "server.js"]
`,
  },
  check: (image) => {
    const hits = image.targets.flatMap((target) => [
      ...ownInstalls(target, image),
      ...copiedModules(target, image),
    ]);
    return [...new Map(hits.map((hit) => [hit.line, hit])).values()];
  },
};

/** Installs of the stages whose layers the image has. */
function ownInstalls(target: Stage, image: ImageBuild): Hit[] {
  const instructions = instructionsOf(target);
  return instructions.flatMap((instruction, index) => {
    const installs = installsOf(instruction);
    const fault = installs.find((install) => isForDevelopment(install, instruction, image));
    if (fault === undefined || isPruned(instructions.slice(index), fault.manager)) return [];
    // A branch with development packages and one without: an argument decides.
    const isChoice = installs.some(
      (install) => install.manager === fault.manager && !isForDevelopment(install, instruction, image),
    );
    if (isChoice && /\bif\b|\|\|/.test(instruction.text)) return [];
    return hitOf(fault.manager, instruction, image);
  });
}

/** `COPY --from=build /app/node_modules`, or all of `/app`, from a stage with everything in it. */
function copiedModules(target: Stage, image: ImageBuild): Hit[] {
  const copies = chainOf(target).flatMap((stage) =>
    stage.instructions.flatMap((instruction) => {
      const from = instruction.flags.find(({ name }) => name === 'from')?.value;
      const source = from === undefined ? undefined : stageCalled(from, stage, image.dockerfile);
      return instruction.keyword === 'COPY' && source !== undefined ? [{ instruction, source }] : [];
    }),
  );
  return copies.flatMap(({ instruction, source }) => {
    const instructions = instructionsOf(source);
    const index = instructions.findIndex((candidate) =>
      installsOf(candidate).some((install) => isNode(install) && isForDevelopment(install, candidate, image)),
    );
    const install = instructions[index];
    if (install === undefined || isPruned(instructions.slice(index), 'npm')) return [];
    const modules = `${install.workdir === '/' ? '' : (install.workdir ?? '')}/node_modules`;
    const takes = copied(instruction).sources.some((path) => {
      const whole = `/${path.replace(/^\/+|(?<!\/)\/+$/g, '')}`;
      return whole === modules || (whole === install.workdir && whole !== '/');
    });
    return takes ? hitOf('npm', instruction, image) : [];
  });
}

function hitOf(manager: string, { line, endLine }: Instruction, image: ImageBuild): Hit {
  const fixes: Readonly<Record<string, string>> = {
    poetry: 'Install with poetry install --only main.',
    uv: 'Install with uv sync --no-dev.',
    pip: 'Install the development requirements only in the test stage.',
    composer: 'Install with composer install --no-dev.',
    pnpm: 'Install with pnpm install --prod in the final stage.',
    yarn: 'Install with yarn install --production in the final stage (since version 2: yarn workspaces focus --production).',
  };
  const fix = Object.hasOwn(fixes, manager) ? fixes[manager] : undefined;
  return {
    file: image.path,
    line,
    endLine,
    message: 'The final image contains the development packages.',
    ...(fix === undefined ? {} : { fix }),
  };
}

function isNode({ manager }: Install): boolean {
  return manager === 'npm' || manager === 'yarn' || manager === 'pnpm' || manager === 'bun';
}

function isForDevelopment(install: Install, instruction: Instruction, image: ImageBuild): boolean {
  const { manager, kind, command } = install;
  if (manager === 'pip')
    return /requirements[-_/.](?:dev|test)|(?:dev|test)[-_]requirements|\.\[[^\][]*\b(?:dev|tests?)\b/.test(
      command,
    );
  if (kind !== 'dependencies') return false;
  if (manager === 'poetry')
    return (
      !/--only[= ]|--without[= ]\S*dev|--no-dev/.test(command) &&
      has(image, 'pyproject.toml', /\[tool\.poetry\.(?:group\.dev|dev-dependencies)/)
    );
  if (manager === 'uv')
    return (
      / sync\b/.test(command) &&
      !/--no-dev|--no-default-groups|--only-group/.test(command) &&
      !isSet(instruction, 'UV_NO_DEV') &&
      has(image, 'pyproject.toml', /\[dependency-groups\]|dev-dependencies/)
    );
  if (manager === 'composer')
    return !/--no-dev/.test(command) && has(image, 'composer.json', /"require-dev"/);
  if (!isNode(install)) return false;
  if (/--omit[= ]?dev|--only[= ]?prod|--prod(?:uction)?\b|\s-P\b|NODE_ENV=["']?production/.test(command))
    return false;
  if (
    instruction.variables.get('NODE_ENV') === 'production' &&
    !/--include[= ]dev|--production=false/.test(command)
  )
    return false;
  return has(image, 'package.json', /"devDependencies"\s*:\s*\{\s*"/);
}

function isSet(instruction: Instruction, name: string): boolean {
  return instruction.variables.get(name) !== undefined;
}

/** Whether a file of that name in the context matches. */
function has(image: ImageBuild, name: string, pattern: RegExp): boolean {
  const { repo, context } = image;
  const files = contextFiles(image).filter((file) => file === name || file.endsWith(`/${name}`));
  return files.some((file) => pattern.test(repo.read(context === '' ? file : `${context}/${file}`) ?? ''));
}

function isPruned(after: readonly Instruction[], manager: string): boolean {
  const prune =
    /\b(?:npm|pnpm)\s+prune\b|\byarn\s+(?:install\s.{0,300}--production|workspaces\s+focus\s.{0,300}--production)|rm\s+-(?=\w*r)\w+\s.{0,300}node_modules|\bnpm\s+ci\b.{0,300}--omit[= ]?dev/;
  return (
    manager !== 'pip' &&
    after.some((instruction) => commandsOf(instruction).some((command) => prune.test(command)))
  );
}
