import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { assetTest } from '../../../../src/cdn/dist/assets.ts';
import { builtFolder } from '../../../support/cdn/dist-fixtures.ts';

/** `+` in front: named by its content. */
function table(text: string): (readonly [string, boolean])[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => [word.replace(/^[+-]/, ''), word.startsWith('+')] as const);
}

/** Whole sites, as these tools write them. */
const sites: Record<string, string> = {
  'Vite 5 and later': `-index.html +assets/index-DkTXeZPq.js +assets/index-BfQ2xL9s.css +assets/About-C4-b1y_D.js
    +assets/vendor-CkWfTgqm.js +assets/logo-DVUrAcgS.svg +assets/inter-latin-400-normal-C38fXH4l.woff2
    -assets/index-DkTXeZPq.js.map -vite.svg -favicon.ico -robots.txt -assets/hero-portrait.jpg
    -assets/bg-1024x768.png -assets/photo-20240101.jpg -assets/menu-DropDown.png -assets/Chapter1.pdf`,
  'Vite 5, one script and one sheet': '-index.html +assets/index-CxWqPLzT.js +assets/index-D8b4DHJx.css',
  'Vite 4': '-index.html +assets/index-4d3b2a1c.js +assets/index-91283746.js +assets/logo-03d6d6da.png',
  'Vite legacy': '+assets/index-legacy-B1xZk93P.js +assets/polyfills-legacy-CcKq3_9L.js',
  'plugin for PWA': '-sw.js -registerSW.js +workbox-1d305bb8.js -manifest.webmanifest -index.html',
  'Create React App': `-index.html -asset-manifest.json +static/js/main.4c7a3fb1.js +static/js/453.8ab44547.chunk.js
    -static/js/main.4c7a3fb1.js.map -static/js/main.4c7a3fb1.js.LICENSE.txt +static/css/main.073c9b0a.css
    +static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg -service-worker.js -logo192.png`,
  webpack: `+main.8e0d62a10c2f3d5b9a47.js +143.9d2f0e6bb1c84a7f3e15.js +npm.react.1f0c.2d8b6a3c7e19.js -runtime.js
    -chunk-vendors.js +js/app.5e8f9a1c.min.js`,
  'webpack, files by their hash': '+js/main.8e0d62a10c2f3d5b9a47.js -1f2e3d4c5b6a79880f1e.png',
  'Vue CLI': `+js/chunk-vendors.2b7b0d5f.js +js/app.c0ffee12.js +js/app.9b1c0a7e.js +css/app.1e0b2f3d.css
    +img/logo.82b9c7a5.png +fonts/fa-solid-900.6fe1b3a2.woff2 -precache-manifest.js`,
  'Angular 17 and later': `-index.html +main-QK7OEAXB.js +polyfills-FFHMD2TL.js +styles-5INURTSO.css +chunk-DKTXEZPQ.js
    +chunk-2L4XZ6NV.js +media/roboto-7XQ3D2MB.woff2 -docs-OVERVIEW.pdf -3rdpartylicenses.txt -ngsw-worker.js
    -ngsw.json -safety-worker.js -assets/hero-PORTRAIT.jpg`,
  'Angular 16': `+main.3f4f5b2a7c8d9e10.js +runtime.d5b0a1c2e3f40516.js +styles.ef46db3751d8e999.css
    +common.0a1b2c3d4e5f60718293.js +roboto.8f7e6d5c4b3a2910.woff2`,
  esbuild: '+out/app-XK5ZQWVT.js +out/app-3YHF6QKM.css +out/chunk-A2B5C7DX.js -out/plain.js',
  Parcel: '-index.html +index.1a2b3c4d.js +index.9f8e7d6c.css +hero.c5d4e3f2.webp -README.md',
  Bun: '+chunk-z4k1a2bc.js +index-0b5ra7q2.js -lib-html2pdf.js',
  'Next.js': `-index.html -404.html -index.txt +_next/static/chunks/main-app-0c1d2e3f4a5b6c7d.js
    +_next/static/chunks/webpack.js +_next/static/css/5f3a9d7c1b2e4860.css
    +_next/static/media/e4af272ccee01ff0-s.p.woff2 +_next/static/media/logo.3f2b1a0c.png
    -_next/static/my-release/_buildManifest.js -_next/data/x1/index.json`,
  SvelteKit: `-_app/version.json -_app/env.js +_app/immutable/entry/start.CK1bXz4v.js
    +_app/immutable/nodes/0.aaaaaaaa.js +_app/immutable/assets/0.DvW3kTqA.css -index.html`,
  Nuxt: `+_nuxt/BvQx1T9k.js +_nuxt/entry.D3xW_q-1.css +_nuxt/DkTXeZPq.js -_nuxt/builds/latest.json
    -_nuxt/builds/meta/3fa85f64-5717-4562-b3fc-2c963f66afa6.json -_nuxt/components.js -_payload.json`,
  Astro: `+_astro/index.BTa9wXq3.css +_astro/hoisted.DkTXeZPq.js +_astro/photo.DkT3eZ_P_Z1a2b3c.webp -index.html
    -rss.xml -sitemap-0.xml`,
  Gatsby: `+app-0a1b2c3d4e5f60718293.js +component---src-pages-index-js-5f3a9d7c1b2e48601234.js
    +webpack-runtime-9f8e7d6c5b4a39281706.js +static/4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f/ee604/photo.png
    +static/photo-4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f.png -page-data/index/page-data.json -page-data/app-data.json`,
  Docusaurus: `+assets/js/main.7d2c1b0a.js +assets/js/935f2afb.1c0d9e8b.js +assets/css/styles.3b2a1f0e.css
    +assets/images/tutorial-4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f.png -img/logo.svg`,
  VitePress: `+assets/app.B3gXyz12.js +assets/guide_index.md.DkT3eZ9P.js +assets/guide_index.md.DkT3eZ9P.lean.js
    +assets/style.Cq8tK2xW.css -hashmap.json`,
  Hugo: `+css/main.min.9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.css -css/main.css
    +img/photo_hu_1a2b3c4d5e6f7a8b.jpg`,
  Rails: '+assets/application-4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f.js -assets/application.js',
  Django: '+static/css/base.27e20196a850.css -static/css/base.css -static/admin/js/core.js',
  Storybook:
    '+assets/iframe-BxD3kQ9z.js -sb-manager/runtime.js +main.1a2b3c4d.iframe.bundle.js -project.json',
  Expo: '+_expo/static/js/web/entry-4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f.js -favicon.ico',
  'Remix and React Router':
    '+assets/root-BxD3kQ9z.js +assets/entry.client-D8b4DHJx.js +assets/manifest-4c7a3fb1.js',
  Blazor: '+_framework/dotnet.runtime.5xgn2m9zab.js -_framework/blazor.boot.json',
  Ember: '+assets/chunk.143.8e0d62a10c2f3d5b9a47.js +assets/vendor-4d1a0c5e6f7b8a9d0e1f2a3b4c5d6e7f.css',
};

/** Nothing here changes its name with its content. */
const traps = `jquery-3.7.1.min.js bootstrap.bundle.min.js my-component.js chunk-vendors.js font-awesome.css
  three.r152.js d3.v7.min.js lib-html2pdf.js lib-Mp3ToWav.js team-B2BSales.js app-Version2.js react-DomUtils.js
  swiper-bundle.min.js polyfill.es5.js html2canvas.min.js remoteEntry.js config.js env.js main.js index.js
  sw.js service-worker.js firebase-messaging-sw.js OneSignalSDKWorker.js sw.1a2b3c4d.html index.1a2b3c4d.html
  photo-20240101.jpg IMG_20240101_123456.jpg IMG-20240101-WA0001.jpg DSC_0042.JPG photo-DSC_0042.jpg P1030456.jpg
  hero-portrait.jpg menu-DropDown.png hero-1920x1080.jpg bg-1024x768.png icon-512x512.png apple-icon-180x180.png
  report-2024Q4FINAL.pdf report-05dec2024.pdf report-20feb2024.pdf report-31012024.pdf invoice-CHAPTER2.pdf
  3fa85f64-5717-4562-b3fc-2c963f66afa6.png avatar-3fa85f64-5717-4562-b3fc-2c963f66afa6.png
  0bc83cb571cd1c50ba6f3e8a78ef1346.png avatars/0bc83cb571cd1c50ba6f3e8a78ef1346.png video-dQw4w9WgXcQ.jpg
  build-1712345678901.js app-20240101123456.js data-12345678.json a1b2c3d4e5f60718.txt google1a2b3c4d5e6f7a8b.html
  report-d0e6e5f.pdf facade.js decade.css deadline-deadbeef.png .well-known/x-1a2b3c4d.json robots.txt LICENSE
  book-Chapter1.pdf my-iOS-App2.js foo-UI-Model.js a-API-Docs.js release-v1.2.3-beta4567.zip lib.cafe2024.js
  material-icons.woff2 fontawesome-webfont.woff2 logo-negative.svg en-US.json app_settings.js index_overview.css
  UPPERCASE-OVERVIEW.js docs-SETTINGS.css product-12345678.jpg`;

describe('files named by their content', () => {
  test.each(Object.entries(sites))('%s', (_, site) => {
    const files = table(site);
    const isAsset = assetTest(
      files.map(([path]) => path),
      undefined,
    );
    expect(files.map(([path]) => [path, isAsset(path)])).toEqual(files);
  });

  test('names of people, dates, versions and numbers are none', () => {
    const paths = traps.trim().split(/\s+/);
    const isAsset = assetTest(paths, undefined);
    expect(paths.filter(isAsset)).toEqual([]);
  });

  // The few at the end look like hashes to anybody who finds them among hashes.
  test.each<[string, (number: number) => string, string[]]>([
    [
      'Vite',
      (number) => `index-${'DkT3eZ9P'.slice(0, 6)}x${number % 10}.js`,
      ['lib-Mp3ToWav.js', 'team-B2BSales.js', 'my-iOS-App2.js'],
    ],
    ['esbuild', (number) => `chunk-X${(number % 6) + 2}5ZQWVT.js`, []],
    ['webpack', (number) => `app.5e8f9a${10 + number}.js`, []],
    ['Bun', (number) => `chunk-z4k1a2b${number % 10}.js`, []],
  ])('nor beside what %s names', (_, nameOf, mistaken) => {
    const names = traps
      .trim()
      .split(/\s+/)
      .map((path) => `out/${path}`);
    const own = Array.from({ length: 400 }, (_, number) => `out/${nameOf(number)}`);
    const isAsset = assetTest([...own, ...names], undefined);
    expect(own.filter(isAsset)).toEqual(own);
    expect(names.filter(isAsset)).toEqual(mistaken.map((name) => `out/${name}`));
  });

  /** The same on every run, and as good as random. */
  function hashesOf(alphabet: string, length: number, count: number): string[] {
    return Array.from({ length: count }, (_, number) =>
      Array.from(hash('sha256', `${alphabet}${number}`, 'buffer').subarray(0, length), (byte) =>
        alphabet.charAt(byte % alphabet.length),
      ).join(''),
    );
  }
  const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
  const base64url = `${capitals}${capitals.toLowerCase()}0123456789-_`;

  test.each([
    ['Vite, Rollup', 'assets/index-HASH.js', base64url, 8, 0.97],
    ['Vite, Rollup: images', 'assets/photo-HASH.webp', base64url, 8, 0.95],
    ['Astro, SvelteKit', 'out/app.HASH.css', base64url, 8, 0.97],
    ['esbuild, Angular', 'chunk-HASH.js', `${capitals}234567`, 8, 0.93],
    ['webpack, Parcel', 'js/app.HASH.js', '0123456789abcdef', 8, 0.98],
    ['webpack, longer', 'js/app.HASH.js', '0123456789abcdef', 20, 0.999],
  ])('nearly all hashes are found: %s', (_, name, alphabet, length, share) => {
    const paths = hashesOf(alphabet, length, 4000).map((entry) => name.replace('HASH', entry));
    const found = paths.filter(assetTest(paths, undefined)).length / paths.length;
    expect(found).toBeGreaterThanOrEqual(share);
  });

  test('what cdn.hashed names is, and nothing else; pages and service workers never are', () => {
    const paths = [
      'lib/jquery.js',
      'index-DkTXeZPq.js',
      'lib/index.html',
      'lib/sw.js',
      'lib/a.js.map',
      'lib/data',
    ];
    expect(paths.filter(assetTest(paths, ['lib/**']))).toEqual(['lib/jquery.js', 'lib/data']);
    expect(paths.filter(assetTest(paths, []))).toEqual([]);
  });

  test('the manifest of a bundler makes sure what a name alone leaves open', () => {
    const paths = ['js/app.12345678.js', 'js/menu.12345679.js', 'js/jquery.js'];
    expect(paths.filter(assetTest(paths, undefined))).toEqual([]);
    const bundled = new Set(['js/app.12345678.js', 'js/jquery.js']);
    expect(paths.filter(assetTest(paths, undefined, bundled))).toEqual(['js/app.12345678.js']);
  });

  const listed = ['js/app.12345678.js', 'js/menu.87654321.js'];
  test.each<[string, Record<string, unknown>, string[]]>([
    [
      'Vite',
      { '.vite/manifest.json': { 'index.html': { file: listed[0], css: ['a.css'], assets: [listed[1]] } } },
      listed,
    ],
    ['Vite 4', { 'manifest.json': { 'src/app.js': { file: listed[0], isEntry: true } } }, listed.slice(0, 1)],
    [
      'Create React App',
      { 'asset-manifest.json': { files: { 'app.js': `/books/${listed[0]}` }, entrypoints: [] } },
      listed.slice(0, 1),
    ],
    [
      'webpack on a CDN',
      { 'webpack-manifest.json': { 'app.js': `https://cdn.example.com/x/${listed[0]}` } },
      listed.slice(0, 1),
    ],
    ['gulp-rev', { 'rev-manifest.json': { 'js/app.js': listed[0], 'js/menu.js': listed[1] } }, listed],
    [
      'Django',
      { 'staticfiles.json': { paths: { 'js/app.js': listed[0] }, version: '1.1' } },
      listed.slice(0, 1),
    ],
    ['a web app', { 'manifest.json': { name: 'x', icons: [{ src: listed[0] }], x: listed[0] } }, []],
    [
      'nobody',
      {
        'manifest.json': [1, null, { file: 1 }],
        'rev-manifest.json': null,
        '.vite/manifest.json': { a: null },
      },
      [],
    ],
  ])('the manifest of %s is read', async (_, manifests, expected) => {
    const files = Object.entries(manifests).map(([path, content]) => [path, JSON.stringify(content)]);
    using folder = builtFolder({
      ...Object.fromEntries(files),
      ...Object.fromEntries(listed.map((path) => [path, ''])),
    });
    folder.put('asset-manifest.json', String(Object.fromEntries(files)['asset-manifest.json'] ?? '{ broken'));
    const site = await folder.read();
    expect(site.files.filter((file) => file.class === 'asset').map(({ path }) => path)).toEqual(expected);
  });
});
