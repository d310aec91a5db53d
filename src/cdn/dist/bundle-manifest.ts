import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Vite (`build.manifest`), Create React App and webpack, gulp-rev, Django's ManifestStaticFilesStorage. */
const manifests = [
  '.vite/manifest.json',
  'manifest.json',
  'asset-manifest.json',
  'webpack-manifest.json',
  'rev-manifest.json',
  'staticfiles.json',
];

/**
 * Paths in bundlers' manifests of a folder: tokens in their names are hashes. Unreadable manifests and a web
 * app's manifest.json are ignored. @param all paths of the folder.
 */
export function bundledPaths(folder: string, all: ReadonlySet<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of manifests) {
    if (!all.has(name)) continue;
    for (const listed of listedIn(readJson(join(folder, name)))) {
      const path = pathIn(all, listed);
      if (path !== undefined) found.add(path);
    }
  }
  return found;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** `{ "index.html": { file, css: [], assets: [] } }`, `{ files: {…} }`, `{ paths: {…} }`, `{ "app.js": "app-1a2b.js" }`. */
function listedIn(manifest: unknown): readonly string[] {
  if (!isMap(manifest) || 'start_url' in manifest || 'icons' in manifest) return [];
  const files = isMap(manifest['files']) ? manifest['files'] : manifest;
  const entries = isMap(files['paths']) ? files['paths'] : files;
  return Object.values(entries)
    .flatMap((entry) => {
      if (!isMap(entry)) return [entry];
      return [entry['file'], entry['css'], entry['assets']].flat();
    })
    .filter((listed) => typeof listed === 'string');
}

/** Some manifests list URLs: `/app/static/js/main.js`, `https://cdn.example.com/static/js/main.js`. */
function pathIn(all: ReadonlySet<string>, listed: string): string | undefined {
  const parts = listed
    .replace(/^(?:[a-z][a-z0-9+.-]*:)?\/\/[^/]*/i, '')
    .replace(/^\.?\//, '')
    .split('/');
  for (let from = 0; from < parts.length; from++) {
    const path = parts.slice(from).join('/');
    if (all.has(path)) return path;
  }
  return undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
