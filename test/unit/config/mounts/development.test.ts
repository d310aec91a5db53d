import { afterAll, describe, expect, test } from 'vitest';
import {
  checkout,
  faultLines,
  handlings,
  judge,
  python,
  removeCheckouts,
} from '../../../support/config/mount-fixtures.ts';

afterAll(removeCheckouts);

describe('development mounts', () => {
  test('source code over the image’s own copy is left out, with the volumes that shield its folders', async () => {
    const { plan, faults, handled } = await judge(
      '".:/srv/shop", "/srv/shop/node_modules", "deps:/srv/shop/.venv", "uploads:/srv/shop/uploads"',
      { Dockerfile: python, 'shop.py': 'app = 1' },
      'build: .',
    );
    expect(faults).toEqual([]);
    expect(handled).toEqual(['web:/srv/shop left out']);
    expect(plan.model.services.web?.volumes).toEqual([
      { type: 'volume', source: 'uploads', target: '/srv/shop/uploads' },
    ]);
    expect(plan.notes).toEqual([
      'web: .:/srv/shop is left out because the image contains it',
      'web: the volume at /srv/shop/node_modules is left out because the image contains it',
      'web: the volume at /srv/shop/.venv is left out because the image contains it',
    ]);
  });

  const node =
    'FROM node:22 AS deps\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nFROM deps\nCOPY src ./src\nCMD ["node", "src"]\n';
  const built =
    'FROM node:22 AS build\nWORKDIR /w\nCOPY . .\nRUN npm run build\nFROM node:22\nWORKDIR /app\nCOPY --from=build /w/dist ./dist\n';
  const two = 'FROM python:3.13\nCOPY backend /code/\n';
  test.each<[string, string, string, string, readonly string[]]>([
    ['a folder that is copied', './src:/app/src', node, 'build: .', ['web:/app/src left out']],
    [
      'a folder below one that is copied',
      './src/lib:/app/src/lib',
      node,
      'build: .',
      ['web:/app/src/lib left out'],
    ],
    [
      'a folder of pages',
      './docs:/app/docs',
      node.replace('src ./src', '. .'),
      'build: .',
      ['web:/app/docs left out'],
    ],
    ['the whole context, of which the code is copied', './:/app', node, 'build: .', ['web:/app left out']],
    ['the context over what a stage has built', '.:/app', built, 'build: .', ['web:/app left out']],
    [
      'a context below the folder',
      './backend:/code',
      two.replace('backend', '.'),
      'build: ./backend',
      ['web:/code left out'],
    ],
    [
      'what an install fills',
      './node_modules:/app/node_modules',
      node,
      'build: .',
      ['web:/app/node_modules left out'],
    ],
    ['the image of a sibling', './src:/app/src', node, 'image: acme/app', ['web:/app/src left out']],
  ])('%s is left out', async (_, volume, dockerfile, more, expected) => {
    const compose = `services: { app: { build: ., image: acme/app }, web: { ${more}, volumes: ["${volume}"] } }`;
    const folder = more.includes('backend') ? 'backend/' : '';
    const repo = checkout({
      'compose.yml': compose,
      Dockerfile: dockerfile,
      [`${folder}Dockerfile`]: dockerfile,
      'src/lib/a.js': '1',
      'backend/b.py': '2',
      'docs/index.md': 'd',
    });
    const plan = await repo.plan();
    expect([faultLines(plan), handlings(plan)]).toEqual([[], expected]);
  });

  test.each<[string, string, Readonly<Record<string, string>>, string, string]>([
    [
      'an image of others',
      '.:/app',
      {},
      'image: node:22',
      'services.web.volumes: . is source code mounted at /app, and the image node:22 does not contain it',
    ],
    [
      'an image with the manifests alone',
      '.:/app',
      { Dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY package*.json package-lock.json ./\nRUN npm ci\n' },
      'build: .',
      'services.web.volumes: . is source code mounted at /app, and the image of Dockerfile does not contain it',
    ],
    [
      'an image with a few files of it',
      '.:/shop',
      {
        'app/a.rb': '',
        'app/b.rb': '',
        'bin/setup': '',
        Dockerfile:
          'FROM ruby\nWORKDIR /shop\nCOPY Gemfile ./\nCOPY .bundle ./.bundle\nCOPY bin/setup ./bin/\n',
      },
      'build: .',
      'services.web.volumes: . is source code mounted at /shop, and the image of Dockerfile does not contain it',
    ],
    [
      'an image with the dependencies of a stage',
      '.:/app',
      {
        Dockerfile:
          'FROM node AS deps\nWORKDIR /app\nCOPY package.json .\nRUN npm ci\nFROM node\nWORKDIR /app\nCOPY --from=deps /app/node_modules ./node_modules\n',
      },
      'build: .',
      'services.web.volumes: . is source code mounted at /app, and the image of Dockerfile does not contain it',
    ],
    [
      'a stage that has no code either',
      './src:/app/src',
      {
        Dockerfile:
          'FROM node AS deps\nWORKDIR /w\nCOPY package.json .\nRUN npm ci\nFROM node\nCOPY --from=deps /w /app\nCOPY --from=composer:2 /usr/bin/composer /app/src/\n',
      },
      'build: .',
      'services.web.volumes: ./src is source code mounted at /app/src, and the image of Dockerfile does not contain it',
    ],
    [
      'what a build makes, where the image has none',
      './dist:/app/dist',
      { Dockerfile: 'FROM node\nWORKDIR /app\nCOPY src src\n', 'dist/a.js': '' },
      'build: .',
      'services.web.volumes: ./dist is source code mounted at /app/dist, and the image of Dockerfile does not contain it',
    ],
    [
      'a folder that .dockerignore leaves out',
      './src:/srv/shop/src',
      { Dockerfile: python, '.dockerignore': 'src\n' },
      'build: .',
      'services.web.volumes: ./src is source code mounted at /srv/shop/src, and the image of Dockerfile does not contain it',
    ],
    [
      'a copy to another place',
      './src:/app',
      { Dockerfile: python },
      'build: .',
      'services.web.volumes: ./src is source code mounted at /app, and the image of Dockerfile does not contain it',
    ],
    [
      'the whole checkout, also read-only',
      '.:/usr/share/nginx/html:ro',
      {},
      'image: nginx',
      'services.web.volumes: . is source code mounted at /usr/share/nginx/html, and the image nginx does not contain it',
    ],
  ])('%s is refused with the line', async (_, volume, files, more, message) => {
    const { plan } = await judge(`"${volume}"`, { 'src/a.js': '1', ...files }, more);
    expect(plan.faults).toMatchObject([{ code: 'compose.mount-code', message, at: { line: 1 } }]);
    expect(plan.model.services.web?.volumes).toHaveLength(1);
  });
});
