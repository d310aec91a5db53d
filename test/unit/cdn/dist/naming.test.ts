import { expect, test } from 'vitest';
import { pagesThatMayName } from '../../../../src/cdn/dist/missing-assets.ts';
import { filesOf } from '../../../support/cdn/sample-site.ts';

test('pages that name what has gone are found, however they write it', () => {
  const files = filesOf({
    'a.html': '<script src="/assets/app-1.js?v=1">',
    'b.html': "<img srcset='x.png 1x, /img/my%20logo.svg 2x'>",
    'c.html': '<link href=./app-1.js>',
    'd.html': '<p>app-1.js</p><script src="/assets/app-10.js">',
    'e.txt': '<script src="app-1.js">',
  });
  const readText = ({ file }: { file: string }) => file;
  const found = (...gone: string[]) => pagesThatMayName(gone, files, readText).map(({ path }) => path);
  expect(found('assets/app-1.js')).toEqual(['a.html', 'c.html']);
  expect(found('img/my logo.svg')).toEqual(['b.html']);
  expect(found('nothing.js')).toEqual([]);
  expect(found()).toEqual([]);
});
