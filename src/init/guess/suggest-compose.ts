import { readDockerfile } from '../../config/dockerfile/image.ts';
import { inline } from '../render/terminal.ts';
import { scalar } from '../render/yaml.ts';
import type { Seen } from '../study/repository.ts';
import { folderOf, nameOf, type Tree } from '../study/tree.ts';
import { appName } from './guess.ts';

export interface Suggestion {
  /** The files found, as the end of a sentence. */
  readonly found: string;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

type Program = { readonly what: string; readonly dockerfile: string; readonly port: number };

/** Suggests a compose file from the Dockerfiles; if there are none, a Dockerfile too. */
export async function suggestCompose({ tree, git, folder, below }: Seen): Promise<Suggestion> {
  const repository = below === '' ? git.remote?.path.split('/').at(-1) : undefined;
  const app = appName(repository ?? folder.split('/').at(-1) ?? '');
  const dockerfiles = tree.files.filter((path) => /^(?:Docker|Container)file$/.test(nameOf(path)));
  if (dockerfiles.length > 0) {
    const services = await Promise.all(
      dockerfiles.slice(0, 8).map(async (path) => {
        const { ports } = readDockerfile((await tree.read(path)) ?? '');
        const context = folderOf(path);
        return {
          name: context === '' ? 'web' : appName(nameOf(context)),
          context,
          file: nameOf(path),
          port: ports[0]?.port,
        };
      }),
    );
    const found =
      dockerfiles.length === 1 ? `a Dockerfile (${dockerfiles[0]})` : `${dockerfiles.length} Dockerfiles`;
    return { found: inline(found), files: [{ path: 'compose.yml', text: composeText(app, services) }] };
  }
  const program = await programIn(tree);
  if (program === undefined) return { found: 'no file that shows how the app starts', files: [] };
  return {
    found: `no Dockerfile either, but looks like ${program.what}`,
    files: [
      { path: 'Dockerfile', text: program.dockerfile },
      {
        path: 'compose.yml',
        text: composeText(app, [{ name: 'web', context: '', file: 'Dockerfile', port: program.port }]),
      },
    ],
  };
}

interface Draft {
  readonly name: string;
  readonly context: string;
  readonly file: string;
  readonly port: number | undefined;
}

function composeText(app: string, services: readonly Draft[]): string {
  const lines = services.flatMap(({ name, context, file, port }) => [
    `  ${scalar(name)}:`,
    file === 'Dockerfile'
      ? `    build: ${scalar(context === '' ? '.' : `./${context}`)}`
      : `    build: { context: ${scalar(context === '' ? '.' : `./${context}`)}, dockerfile: ${scalar(file)} }`,
    ...(port === undefined ? [] : [`    ports: ["${port}:${port}"]`]),
    '    restart: unless-stopped',
  ]);
  return `name: ${scalar(app)}\nservices:\n${lines.join('\n')}\n`;
}

async function programIn(tree: Tree): Promise<Program | undefined> {
  const manifest = tree.files.includes('package.json') ? await tree.read('package.json') : undefined;
  const python = (
    await Promise.all(['pyproject.toml', 'requirements.txt', 'Pipfile'].map((file) => tree.read(file)))
  ).join('\n');
  const isPython = /\S/.test(python);
  if (isPython && (manifest === undefined || tree.files.includes('manage.py')))
    return await pythonProgram(tree, python);
  return manifest === undefined ? undefined : nodeProgram(tree, manifest);
}

function nodeProgram(tree: Tree, manifest: string): Program {
  const script = scriptsIn(manifest);
  const install = tree.files.includes('package-lock.json') ? 'npm ci' : 'npm install';
  const build = script.includes('build') ? 'RUN npm run build\n' : '';
  const dockerfile = `FROM node:22-slim
WORKDIR /app
COPY package*.json ./
RUN ${install}
COPY . .
${build}USER node
EXPOSE 3000
CMD ["npm", "start"]
`;
  return { what: 'a Node app', dockerfile, port: 3000 };
}

function scriptsIn(manifest: string): string[] {
  try {
    return Object.keys((JSON.parse(manifest) as { scripts?: object }).scripts ?? {});
  } catch {
    return [];
  }
}

async function pythonProgram(tree: Tree, needs: string): Promise<Program> {
  const install = tree.files.includes('requirements.txt')
    ? 'pip install --no-cache-dir -r requirements.txt'
    : 'pip install --no-cache-dir .';
  const wsgi = tree.files.find((file) => nameOf(file) === 'wsgi.py');
  const module = wsgi?.replace(/\.py$/, '').replaceAll('/', '.');
  const [what, start] = /\bdjango\b/i.test(needs)
    ? ['a Django app', ['gunicorn', '--bind', '0.0.0.0:8000', module ?? 'PROJECT.wsgi']]
    : /\b(?:fastapi|starlette|uvicorn)\b/i.test(needs)
      ? [
          'an ASGI app (FastAPI)',
          ['uvicorn', '--host', '0.0.0.0', '--port', '8000', (await asgiApp(tree)) ?? 'MODULE:app'],
        ]
      : ['a Python app', ['python', '-m', 'MODULE']];
  const dockerfile = `FROM python:3.13-slim
WORKDIR /app
COPY . .
RUN ${install}
USER nobody
EXPOSE 8000
CMD ${JSON.stringify(start).replaceAll(',', ', ')}
`;
  return { what, dockerfile, port: 8000 };
}

/** `main:app`: the module, and the name its app has there. */
async function asgiApp(tree: Tree): Promise<string | undefined> {
  for (const file of tree.files.filter((path) => path.endsWith('.py')).slice(0, 200)) {
    const name = /^(\w+)\s*(?::[^=\n]+)?=\s*(?:fastapi\.)?(?:FastAPI|Starlette)\(/m.exec(
      (await tree.read(file)) ?? '',
    )?.[1];
    if (name !== undefined) return `${file.replace(/\.py$/, '').replaceAll('/', '.')}:${name}`;
  }
  return undefined;
}
