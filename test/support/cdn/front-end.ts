import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Modules that the page loads at once, and those that wait for a click, as a bundler cuts an app. */
const parts = 8;
const lazy = 120;

/**
 * A front end as Vite builds it: hashed names, a page that loads a module which loads others, and chunks that are loaded
 * when they are needed. Everything but the style sheet differs from release to release.
 *
 * @returns content by path.
 */
function buildFrontEnd(release: string): Record<string, string> {
  const site: Record<string, string> = {};
  const add = (name: string, ending: string, content: string) => {
    const path = `assets/${name}-${createHash('sha256').update(content).digest('hex').slice(0, 8)}.${ending}`;
    site[path] = content;
    return path;
  };
  const chunks = Array.from({ length: lazy }, (_, index) =>
    add(`chunk${index}`, 'js', `export const text = ${JSON.stringify(`chunk ${index} of ${release}`)};\n`),
  );
  const modules = Array.from({ length: parts }, (_, index) =>
    add(`part${index}`, 'js', `export const part${index} = ${JSON.stringify(release)};\n`),
  );
  const style = add('style', 'css', 'body { color: rgb(0, 64, 0); }\n');
  const main = add(
    'main',
    'js',
    [
      ...modules.map((path, index) => `import { part${index} } from './${path.slice('assets/'.length)}';`),
      `const parts = [${modules.map((_, index) => `part${index}`).join(', ')}];`,
      `const chunks = ${JSON.stringify(chunks.map((path) => `./${path.slice('assets/'.length)}`))};`,
      'const button = document.querySelector("button");',
      'button.onclick = async () => {',
      '  const { text } = await import(chunks[Number(button.dataset.chunk)]);',
      '  document.querySelector("output").textContent = text;',
      '};',
      'document.documentElement.dataset.ready = [...new Set(parts)].join();',
      '',
    ].join('\n'),
  );
  const page = (title: string) =>
    [
      '<!doctype html><html lang="en"><head><meta charset="utf-8">',
      `<title>${title}</title><link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/${style}">`,
      `<script type="module" src="/${main}"></script></head>`,
      `<body><h1>${release}</h1><button data-chunk="0">more</button><output></output></body></html>\n`,
    ].join('\n');
  site['index.html'] = page('Shop');
  site['about/index.html'] = page('About');
  site['icon.svg'] =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1H0z"/></svg>\n';
  return site;
}

/** Writes a front end in the place of the one before, as a build with an emptied folder does. */
export async function writeFrontEnd(folder: string, release: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [path, content] of Object.entries(buildFrontEnd(release))) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
