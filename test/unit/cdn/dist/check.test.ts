import { describe, expect, test } from 'vitest';
import { checkSite } from '../../../../src/cdn/dist/check.ts';
import { readText } from '../../../../src/cdn/dist/variants.ts';
import type { SiteSettings } from '../../../../src/config/site.ts';
import { userErrorsOf } from '../../../../src/kernel/errors.ts';
import { builtFolder, faultsOf, page } from '../../../support/cdn/dist-fixtures.ts';

type Files = Readonly<Record<string, string>>;

async function check(files: Files, change: Partial<SiteSettings> = {}): Promise<readonly string[]> {
  using folder = builtFolder(files);
  const site = await folder.read(change);
  return await checkSite(site, folder.settings(change), site.files, readText, new AbortController().signal);
}

/** Their messages without the folder's place. */
async function faults(files: Files, change?: Partial<SiteSettings>): Promise<string[]> {
  return (await faultsOf(check(files, change))).map((fault) => fault.replace(/\/\S*\/dist/, 'dist'));
}

const fill = ' '.repeat(60);

describe('a folder that is no site', () => {
  test.each<[string, Files, string[]]>([
    ['empty', {}, ['cdn.empty: The folder dist has no files to publish']],
    ['without an index page', { 'a.js': '' }, ['cdn.no-index: dist has no index.html at its top']],
    [
      'with an index page of a few bytes',
      { 'index.html': ' <p>ok</p>\n' },
      ['cdn.empty: index.html has 9 bytes: it is not a page'],
    ],
    [
      'with an error instead of a page',
      { 'index.html': 'Error: Cannot find module "vite", which the build needs' },
      ['cdn.empty: index.html has no HTML tag: it is not a page'],
    ],
    [
      'sources of Vite',
      {
        'index.html': `<div id=app>${fill}</div><script type="module" src="/src/main.tsx">`,
        'package.json': '{}',
        'src/main.tsx': '',
      },
      [
        'cdn.not-built: dist contains the sources of a front end (package.json, src/main.tsx), not its build',
        'cdn.not-built: index.html is not the output of a build: it loads the source src/main.tsx',
      ],
    ],
    [
      'public/ of Create React App',
      { 'index.html': `<link rel=icon href="%PUBLIC_URL%/favicon.ico">${fill}` },
      ['cdn.not-built: index.html is not the output of a build: it contains %PUBLIC_URL%'],
    ],
    [
      'the template of SvelteKit',
      { 'index.html': `<head>%sveltekit.head%</head>${page}` },
      ['cdn.not-built: index.html is not the output of a build: it contains %sveltekit.head%'],
    ],
  ])('%s', async (_, files, expected) => {
    expect(await faults(files)).toEqual(expected);
  });

  test.each<[string, Files, string]>([
    [
      'the index page lies deeper',
      { 'browser/index.html': page, 'x/y/index.html': page },
      'Found browser/index.html. Set cdn.dist to dist/browser, if that is the site.',
    ],
    ['it has another name', { 'home.html': page }, 'Found home.html. Set cdn.index to the index page.'],
  ])('says what to do when %s', async (_, files, hint) => {
    const error = await check(files).catch((thrown: unknown) => thrown);
    expect(userErrorsOf(error)).toMatchObject([{ code: 'cdn.no-index', hint }]);
  });

  test('what a site may hold is none of that', async () => {
    const templates = '<p>{{ mustache }} 100%PUBLIC</p><pre>&lt;script src="/src/main.ts"></pre>';
    expect(
      await check({ 'index.html': page + templates, 'package.json': '{}', 'docs/src/main.ts': '' }),
    ).toEqual([]);
    expect(await check({ 'start.htm': page }, { index: 'start.htm' })).toEqual([]);
  });
});

describe('what pages name', () => {
  const index = `${page}
<link rel=icon href="/favicon.ico"><script src="/assets/app.js"></script>
<img src="img/a.png" srcset="img/b.png 2x"><a href="/elsewhere/x.html">x</a><img src="https://cdn.example.com/x.png">`;

  test('and the folder lacks is told by page and line, an icon only in a note', async () => {
    using folder = builtFolder({
      'index.html': index,
      'img/a.png': '',
      'blog/x.html': `\n<script src=../assets/app.js>`,
    });
    const site = await folder.read();
    const checked = checkSite(site, folder.settings(), site.files, readText, new AbortController().signal);
    const error = await checked.catch((thrown: unknown) => thrown);
    expect(userErrorsOf(error).map(({ code, message, at }) => [code, message, at])).toEqual([
      [
        'cdn.missing-asset',
        'blog/x.html (and 1 more page) refers to assets/app.js (script), which is missing in the folder',
        { file: `${folder.dist}/blog/x.html`, line: 2 },
      ],
      [
        'cdn.missing-asset',
        'index.html refers to img/b.png (img), which is missing in the folder',
        { file: `${folder.dist}/index.html`, line: 3 },
      ],
    ]);
    expect(
      await check({ 'index.html': index, 'assets/app.js': '', 'img/a.png': '', 'img/b.png': '' }),
    ).toEqual(['index.html refers to favicon.ico (link icon), which is missing in the folder']);
  });

  test('is looked for below the public address; without one any folder of the host may be the top', async () => {
    const files = {
      'index.html': `${page}<script src="/app/assets/a.js"></script><img src="/api/logo.png">`,
      'assets/a.js': '',
    };
    const missing = (path: string) =>
      `cdn.missing-asset: index.html refers to ${path}, which is missing in the folder`;
    expect(await faults(files)).toEqual([missing('api/logo.png (img)')]);
    expect(await faults(files, { url: 'https://www.example.com/app/' })).toEqual([]);
    expect(await faults(files, { url: 'https://www.example.com/' })).toEqual([
      missing('app/assets/a.js (script)'),
      missing('api/logo.png (img)'),
    ]);
  });

  test('is told ten times at most', async () => {
    const scripts = Array.from({ length: 13 }, (_, n) => `<script src=${n}.js></script>`).join('');
    const told = await faults({ 'index.html': page + scripts });
    expect([told.length, told.at(-1)]).toEqual([
      11,
      'cdn.missing-asset: 3 more required files are missing in the folder',
    ]);
  });

  test('names with blanks and escapes are found', async () => {
    const html = `${page}<img src="a%20b&amp;c.png?v=1#x"><img src="ü.png"><base href="img/">`;
    expect(await check({ 'index.html': html, 'img/a b&c.png': '', 'img/ü.png': '' })).toEqual([]);
  });
});
