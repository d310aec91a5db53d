import { assert, property, string } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cssReferencesOf } from '../../../../src/cdn/pages/css.ts';
import { type Reference, referencesOf } from '../../../../src/cdn/pages/html.ts';
import { addressOf, resolveReference } from '../../../../src/cdn/pages/reference.ts';

const urls = (references: readonly Reference[]) => references.map(({ url }) => url);
const assetsIn = (html: string) => urls(referencesOf(html).assets);

describe('what a page names', () => {
  test('a page as Vite builds it', () => {
    const page = `<!doctype html>
<html lang="en"><head>
  <meta charset="utf-8"><title>Books <script src="no.js"></title>
  <link rel="icon" type="image/svg+xml" href="/vite.svg">
  <link rel="preconnect" href="https://fonts.example.com">
  <link rel="canonical" href="https://books.example.com/">
  <script type="module" crossorigin src="/assets/index-DkTXeZPq.js"></script>
  <link rel="modulepreload" crossorigin href="/assets/vendor-C38fXH4l.js">
  <link rel="stylesheet" crossorigin href="/assets/index-BfQ2xL9s.css">
  <meta property="og:image" content="https://books.example.com/preview.png">
</head><body><div id="app"></div><a href="/about">About</a><iframe src="/other/"></iframe></body></html>`;
    expect(referencesOf(page)).toEqual({
      base: undefined,
      assets: [
        { url: '/vite.svg', line: 4, by: 'link icon', needed: false },
        { url: '/assets/index-DkTXeZPq.js', line: 7, by: 'script', needed: true },
        { url: '/assets/vendor-C38fXH4l.js', line: 8, by: 'link modulepreload', needed: true },
        { url: '/assets/index-BfQ2xL9s.css', line: 9, by: 'link stylesheet', needed: true },
        { url: 'https://books.example.com/preview.png', line: 10, by: 'meta og:image', needed: false },
      ],
      links: [
        { url: '/about', line: 11, by: 'a', needed: false },
        { url: '/other/', line: 11, by: 'iframe', needed: false },
      ],
    });
  });

  test.each([
    [
      'quotes of each kind, or none',
      `<img src="a 1.png"><img src='b.png'><img src=c.png><img src=/d/>`,
      ['a 1.png', 'b.png', 'c.png', '/d/'],
    ],
    [
      'capitals, blanks, slashes',
      `<IMG\n SRC = "a.png"/><SCRIPT SRC=b.js ></SCRIPT ><br/><img/src=c.png>`,
      ['a.png', 'b.js', 'c.png'],
    ],
    ['the first of two attributes', '<img src="a.png" src="b.png">', ['a.png']],
    [
      '> within a value',
      '<img alt="a > b" src="a.png"><img title=\'<img src="x">\' src=b.png>',
      ['a.png', 'b.png'],
    ],
    [
      'entities',
      '<img src="a&amp;b&#x2f;c&#47;d&copy=1&period;png?x=1&y=2">',
      ['a&b/c/d&copy=1.png?x=1&y=2'],
    ],
    [
      'srcset',
      '<img srcset="a.png 1x, b,c.png 2x,d.png,\n e.png 100w , data:image/png;base64,AA== 3x, f.png">',
      ['a.png', 'b,c.png', 'd.png,', 'e.png', 'f.png'].map((url) => url.replace(/,$/, '')),
    ],
    [
      'media',
      '<video src=a.mp4 poster=b.jpg><source src=c.webm><track src=d.vtt></video><audio src=e.mp3>',
      ['a.mp4', 'b.jpg', 'c.webm', 'd.vtt', 'e.mp3'],
    ],
    [
      'pictures',
      '<picture><source srcset="a.avif 1x"><img src=b.png></picture><input type=image src=c.png>',
      ['a.avif', 'b.png', 'c.png'],
    ],
    [
      'embedded things',
      '<object data=a.svg></object><embed src=b.swf><svg><use href="c.svg#x"/><image xlink:href="d.png"/></svg>',
      ['a.svg', 'b.swf', 'c.svg#x', 'd.png'],
    ],
    [
      'preloads',
      '<link rel="preload" as=image href=a.png imagesrcset="b.png 2x"><link rel="alternate stylesheet" href=c.css>',
      ['a.png', 'b.png', 'c.css'],
    ],
    [
      'icons and manifests',
      '<link rel="shortcut icon" href=a.ico><link rel=manifest href=b.json><link rel=apple-touch-icon href=c.png>',
      ['a.ico', 'b.json', 'c.png'],
    ],
    [
      'styles',
      '<style>a { background: url("a.png") } @import "b.css"; /* url(no.png) */</style><p style="background:url(&quot;c.png&quot;)">',
      ['a.png', 'b.css', 'c.png'],
    ],
    [
      'import maps',
      '<script type=importmap>{"imports":{"a":"./a.js","b/":"/b/"},"scopes":{"/x/":{"c":"/c.js"}}}</script><script type=importmap>{</script>',
      ['./a.js', '/c.js'],
    ],
    [
      'comments',
      '<!-- <img src=no.png> --><!--><img src=a.png><!-- --!><img src=b.png><!-- <img src=no.png>',
      ['a.png', 'b.png'],
    ],
    [
      'texts',
      '<textarea><img src=no.png></textarea><script>"<img src=no.png>"</script><noscript><img src=no.png></noscript><img src=a.png>',
      ['a.png'],
    ],
    [
      'templates',
      '<template><img src=no.png><template></template><img src=no.png></template><img src=a.png><template shadowrootmode=open><img src=b.png></template>',
      ['a.png', 'b.png'],
    ],
    [
      'what loads nothing',
      '<img src=""><img src="#a"><img src="data:image/png;base64,AA=="><script src="javascript:1"></script><img src="{{ image }}"><img src="blob:x">',
      [],
    ],
    [
      'malformed text',
      '<<img src=a.png><!x><?x ?></><// <p <img src=b.png><img src="',
      ['a.png', 'b.png'].slice(0, 1),
    ],
  ])('%s', (_, html, expected) => {
    expect(assetsIn(html)).toEqual(expected);
  });

  test('the first base counts, and blanks around addresses do not', () => {
    const { base, assets } = referencesOf('<base href=" /app/ "><base href="/no/"><img src="\n a.png ">');
    expect([base, urls(assets)]).toEqual(['/app/', ['a.png']]);
  });

  test('lines are those of the page, within style sheets too', () => {
    const { assets } = referencesOf(
      '\n<p>\n<img\n src=a.png>\n<style>\n\nb { x: url(b.png) }</style>\n<img src=c.png>',
    );
    expect(assets.map(({ line }) => line)).toEqual([3, 7, 8]);
  });

  test('any text at all is read to its end', () => {
    assert(
      property(string({ unit: 'binary', maxLength: 60 }), (text) => {
        const broken = text
          .replaceAll(/[a-m]/g, '<')
          .replaceAll(/[n-r]/g, '"')
          .replaceAll(/[A-F]/g, '<script ');
        for (const html of [text, broken]) {
          expect(assetsIn(`<img src=a.png>${html}`)[0]).toBe('a.png');
          expect(cssReferencesOf(`@import "a.css";${html}`)[0]?.url).toBe('a.css');
        }
      }),
    );
  });

  // V8 gives up on a pattern that takes stack for each character: “Maximum call stack size exceeded”.
  test.each([
    ['a font within a style', `<style>a{src:url(data:font/woff2;base64,${'A'.repeat(13e6)})}</style>`],
    ['the same, quoted', `<style>a{src:url("data:font/woff2;base64,${'A'.repeat(13e6)}")}</style>`],
    ['a srcset without commas', `<img srcset="data:x ${'b '.repeat(5e6)}">`],
    ['blanks behind an address that does not end', `<style>url(${' '.repeat(1e5)}</style>`],
  ])('%s, however long', (_, html) => {
    expect(assetsIn(`${html}<img src=a.png>`)).toEqual(['a.png']);
  });
});

test('what a style sheet names', () => {
  const css = `@charset "utf-8"; @import 'a.css' screen; @import url(b.css);
    @font-face { src: local("X"), url( "c.woff2" ) format("woff2"), url('d e.ttf') }
    .x { content: "url(no.png)"; background: URL(f\\(1\\).png), url(data:image/png;base64,AA==), url(#shadow) }
    /* url(no.png) */ .y { mask: url("g\\20 h.svg#m") } .z { background: url(unclosed`;
  expect(cssReferencesOf(css).map(({ url }) => url)).toEqual([
    'a.css',
    'b.css',
    'c.woff2',
    'd e.ttf',
    'f(1).png',
    'g h.svg#m',
  ]);
});

describe('the path that an address means', () => {
  test.each([
    ['app.js', 'blog/post.html', 'blog/app.js'],
    ['../app.js?v=1#x', 'blog/post.html', 'app.js'],
    ['/assets/a%20b+c%23.js', 'blog/post.html', 'assets/a b+c#.js'],
    ['//www.example.com/app/x.js', 'index.html', undefined],
    ['https://other.example.com/x.js', 'index.html', undefined],
    ['mailto:a@example.com', 'index.html', undefined],
    ['/', 'index.html', 'index.html'],
    ['./', 'blog/post.html', 'blog/index.html'],
    ['/%zz', 'index.html', undefined],
    ['x.js', 'a#b/c?d/100%.html', 'a#b/c?d/x.js'],
    ['http://[', 'index.html', undefined],
  ])('%s on %s', (reference, page, path) => {
    expect(resolveReference(reference, page, { url: undefined, index: 'index.html' })).toBe(path);
  });

  test.each([
    ['/app/x.js', undefined, 'x.js'],
    ['/app', undefined, undefined],
    ['/app/', undefined, 'home.html'],
    ['/x.js', undefined, undefined],
    ['../x.js', undefined, undefined],
    ['//www.example.com/app/x.js', undefined, 'x.js'],
    ['http://www.example.com/app/x.js', undefined, 'x.js'],
    ['x.js', '/app/static/', 'static/x.js'],
    ['x.js', 'https://cdn.example.com/', undefined],
  ])('below an address of its own: %s, base %s', (reference, base, path) => {
    const site = { url: 'https://www.example.com/app', index: 'home.html' };
    expect(resolveReference(reference, 'page.html', site, base)).toBe(path);
  });

  test('every path comes back from its address', () => {
    assert(
      property(string({ minLength: 1, maxLength: 30 }), (name) => {
        const path = `x/${name
          .toWellFormed()
          .replaceAll(/[\x00-\x1f\\]/g, '')
          .replaceAll(/(^|\/)\.{1,2}(?=\/|$)/g, '_')}.js`;
        expect(resolveReference(addressOf(path), 'page.html', { url: undefined, index: 'i' })).toBe(path);
      }),
    );
  });
});
