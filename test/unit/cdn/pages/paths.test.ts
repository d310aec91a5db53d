import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodePath,
  longestPath,
  planPaths,
  type Told,
  tellCloudFront,
  tellCloudflare,
  urlPathsOf,
} from '../../../../src/cdn/invalidators/paths.ts';

const cloudfront = { tell: tellCloudFront, few: 30, wildcards: 15 };
const cloudflare = { tell: tellCloudflare, few: 150, wildcards: 30 };

interface Site {
  readonly url?: string;
  readonly total?: number;
  readonly fallback?: string;
}

function changed(paths: readonly string[], { url, total = 1_000_000, fallback }: Site = {}) {
  return { url, paths, total, index: 'index.html', fallback };
}

const shown = (told: readonly Told[]) => told.map(({ path, below }) => `${path}${below ? '*' : ''}`);
const plan = (paths: readonly string[], site?: Site) => shown(planPaths(changed(paths, site), cloudfront));
const many = (count: number, name: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => name(index));

describe('what has changed is told by every URL that shows it', () => {
  test.each<[string, readonly string[], Site, readonly string[]]>([
    ['nothing', [], {}, []],
    ['the root page', ['index.html'], {}, ['/', '/index.html']],
    [
      'the root page of a folder',
      ['index.html'],
      { url: 'https://x.org/app/' },
      ['/app', '/app/', '/app/index.html'],
    ],
    ['the page of a folder', ['a/index.html'], {}, ['/a', '/a/', '/a/index.html']],
    ['a page by its own name', ['a/b.html'], {}, ['/a/b', '/a/b.html']],
    ['a file', ['robots.txt'], { url: 'https://x.org/' }, ['/robots.txt']],
    ['what only looks like an index page', ['my-index.html'], {}, ['/my-index', '/my-index.html']],
    ['a page without a name', ['a/.html'], {}, ['/a/.html']],
    ['the same URL by two files', ['a.html', 'a'], {}, ['/a', '/a.html']],
    ['the page of unknown paths', ['index.html', 'a.js'], { fallback: 'index.html' }, ['/*']],
    ['another page than that of unknown paths', ['a.js'], { fallback: 'index.html' }, ['/a.js']],
    [
      'the page of unknown paths, below a folder',
      ['index.html'],
      { fallback: 'index.html', url: 'https://x.org/app/' },
      ['/app', '/app/*'],
    ],
    [
      'a folder that has to be encoded',
      ['a.txt'],
      { url: 'https://x.org/m%C3%BC%20n/' },
      ['/m%C3%BC%20n/a.txt'],
    ],
  ])('%s', (_, paths, site, told) => {
    expect(plan(paths, site)).toEqual(told);
  });
});

describe('names that need more than ASCII', () => {
  test.each([
    ['a b.txt', '/a%20b.txt'],
    ['ä/日本.txt', '/%C3%A4/%E6%97%A5%E6%9C%AC.txt'],
    ['😀.txt', '/%F0%9F%98%80.txt'],
    ['100%.txt', '/100%25.txt'],
    ['what?.txt', '/what%3F.txt'],
    ['a#b"c<d>.txt', '/a%23b%22c%3Cd%3E.txt'],
    ['a&b=c,d;e:f!$(1).txt', '/a&b=c,d;e:f!$(1).txt'],
    ['a\\b\n.txt', '/a%5Cb%0A.txt'],
    ['\ud800.txt', '/%EF%BF%BD.txt'],
    // What CloudFront can't be told for certain is told by what it begins with.
    ['js/vendors~main.js', '/js/vendors*'],
    ['app/[slug]/page.js', '/app/*'],
    ['a*b.txt', '/a*'],
    ["it's.txt", '/it*'],
    ['c++.txt', '/c*'],
  ])('%j is %s for CloudFront', (path, told) => {
    expect(plan([path])).toEqual([told]);
  });

  test('Cloudflare is told all of them as browsers ask for them', () => {
    expect(
      ['js/vendors~main.js', 'app/[slug].js', 'a*', 'ä b%'].map((path) => tellCloudflare(`/${path}`).path),
    ).toEqual(['/js/vendors~main.js', '/app/[slug].js', '/a*', '/%C3%A4%20b%25']);
  });

  test('a path that is too long for CloudFront is told by its beginning', () => {
    const told = tellCloudFront(`/${'ä'.repeat(1_000)}`);
    expect(told.below).toBe(true);
    expect(told.path).toMatch(/^\/(?:%C3%A4)+(?:%C3)?$/);
    expect(told.path.length).toBeGreaterThan(longestPath - 8);
    expect(told.path.length).toBeLessThan(longestPath);
  });
});

describe('many changes are told by their folders', () => {
  const blog = many(40, (index) => `blog/${index}.txt`);
  test.each<[string, readonly string[], Site, readonly string[]]>([
    ['thirty are told one by one', many(30, (i) => `f${i}.txt`), {}, many(30, (i) => `/f${i}.txt`).sort()],
    ['the one folder they are in', [...blog, 'a.txt'], {}, ['/a.txt', '/blog/*']],
    [
      'the deepest folder that will do',
      [...many(40, (index) => `docs/v1/${index}.txt`), 'docs/v2/a.txt', 'docs/b.txt'],
      {},
      ['/docs/b.txt', '/docs/v1/*', '/docs/v2/a.txt'],
    ],
    [
      'folders of different depths',
      [...blog, ...many(40, (index) => `docs/v1/${index}.txt`)],
      {},
      ['/blog/*', '/docs/v1/*'],
    ],
    [
      'the folder above, where there are too many deep ones',
      many(100, (index) => `posts/${index}/a.txt`),
      {},
      ['/posts/*'],
    ],
    [
      'one folder and what lies beside it',
      [...many(25, (index) => `${index + 10}.txt`), ...many(20, (index) => `blog/${index}.txt`)],
      {},
      [...many(25, (index) => `/${index + 10}.txt`), '/blog/*'],
    ],
    [
      'the folder above, where deep ones need too many wildcards',
      many(200, (index) => `a/${index % 20}/${index}.txt`),
      {},
      ['/a/*'],
    ],
    ['the whole site, where nothing else will do', many(31, (index) => `${index}.txt`), {}, ['/*']],
    ['the whole site, if half of it has changed', blog, { total: 80 }, ['/*']],
    ['never more than the site', blog, { url: 'https://x.org/app/' }, ['/app/blog/*']],
    [
      'the whole of a site that is a folder',
      many(31, (index) => `${index}.txt`),
      { url: 'https://x.org/app/' },
      ['/app', '/app/*'],
    ],
    ['too many names that need a wildcard', many(16, (index) => `js/v${index + 10}~main.js`), {}, ['/js/*']],
  ])('%s', (_, paths, site, told) => {
    expect(plan(paths, site)).toEqual(told);
  });
});

describe('of any site', () => {
  const name = fc.oneof(
    fc.stringMatching(/^[a-c]{1,2}$/),
    fc.constantFrom('index.html', 'a.html', 'a~b', 'ä b.js', '100%', 'x*y', '[id]'),
    fc.string({ minLength: 1, maxLength: 6, unit: 'binary' }).map((text) => text.replaceAll('/', '_')),
  );
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
  const site = fc.record({
    url: fc.constantFrom(undefined, 'https://x.org/', 'https://x.org/a/', 'https://x.org/~me/'),
    paths: fc.uniqueArray(path, { maxLength: 120 }),
    more: fc.nat(500),
    index: fc.constant('index.html'),
    fallback: fc.constantFrom(undefined, 'index.html', 'a.html'),
  });

  test.each([
    ['CloudFront', cloudfront],
    ['Cloudflare', cloudflare],
  ])('%s is told every URL once, within its limits', (_, dialect) => {
    fc.assert(
      fc.property(site, ({ more, ...rest }) => {
        const input = { ...rest, total: rest.paths.length + more };
        const told = planPaths(input, dialect);
        const covers = ({ path: by, below }: Told, url: string) => (below ? url.startsWith(by) : url === by);
        const top = input.url === undefined ? '/' : new URL(input.url).pathname;
        for (const wanted of input.paths) {
          for (const url of urlPathsOf(`${top}${wanted}`, input.index).map(encodePath)) {
            expect(told.some((one) => covers(one, url))).toBe(true);
          }
        }
        for (const [at, one] of told.entries()) {
          expect(told.some((other, index) => index !== at && covers(other, one.path))).toBe(false);
          expect(one.path).toMatch(/^\/[!-~]*$/);
        }
        expect(told.length).toBeLessThanOrEqual(dialect.few);
        expect(told.filter(({ below }) => below).length).toBeLessThanOrEqual(dialect.wildcards);
        if (input.paths.length === 0) expect(told).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('few plain names are told exactly', () => {
    const plain = fc.array(fc.stringMatching(/^[a-z0-9_.-]{1,8}$/), { minLength: 1, maxLength: 3 });
    const files = fc.uniqueArray(
      plain.map((names) => `${names.join('/')}.js`),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(files, (paths) => {
        expect(plan(paths, { total: paths.length })).toEqual(paths.map((wanted) => `/${wanted}`).sort());
      }),
    );
  });
});
