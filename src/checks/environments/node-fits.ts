import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, recordOf, textsOf } from '../detect/json-text.ts';

/**
 * Whether node_modules matches npm's lock file exactly, so that an install changes nothing. npm records its installs in
 * node_modules/.package-lock.json; since people also copy and delete folders, every package's own version is compared,
 * too.
 *
 * @param folder absolute: where package.json, lock file and node_modules are.
 */
export function npmModulesFit(folder: string, lockFile: string): boolean {
  const locked = packagesIn(lockFile);
  const installed = packagesIn(join(folder, 'node_modules/.package-lock.json'));
  if (locked === undefined || installed === undefined) return false;
  const isModule = (path: string) => /(?:^|\/)node_modules\//.test(path);
  // '' is the project itself, the others are the members of its workspace.
  const own = Object.keys(locked).filter((path) => !isModule(path));
  const manifest = (path: string) => recordOf(jsonIn(join(folder, path, 'package.json')));
  if (!own.every((path) => isInSync(manifest(path), recordOf(locked[path])))) return false;
  const unknown = Object.keys(installed).some((path) => isModule(path) && !(path in locked));
  return (
    !unknown &&
    Object.keys(locked)
      .filter(isModule)
      .every((path) => fits(folder, path, locked, installed))
  );
}

type Packages = Readonly<Record<string, unknown>>;

function fits(folder: string, path: string, locked: Packages, installed: Packages): boolean {
  const wanted = recordOf(locked[path]);
  const there = recordOf(installed[path]);
  // npm leaves out optional packages for other platforms.
  if (!(path in installed)) return wanted['optional'] === true && !existsSync(join(folder, path));
  if (wanted['link'] === true) return there['link'] === true && existsSync(join(folder, path));
  if (wanted['version'] !== there['version'] || wanted['integrity'] !== there['integrity']) return false;
  return recordOf(jsonIn(join(folder, path, 'package.json')))['version'] === wanted['version'];
}

/** `npm ci` refuses a package.json that its lock file does not know. */
function isInSync(manifest: Packages, inLock: Packages): boolean {
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];
  const sorted = (from: Packages, kind: string) =>
    JSON.stringify(Object.entries(textsOf(from[kind])).sort(([a], [b]) => (a < b ? -1 : 1)));
  return kinds.every((kind) => sorted(manifest, kind) === sorted(inLock, kind));
}

/** Dependencies with install scripts, by name. */
export function packagesWithScripts(lockFile: string): readonly string[] {
  const names = Object.entries(packagesIn(lockFile) ?? {}).flatMap(([path, entry]) => {
    const { hasInstallScript, optional } = recordOf(entry);
    return hasInstallScript === true && optional !== true ? [path.replace(/^.*node_modules\//, '')] : [];
  });
  return [...new Set(names)].filter((name) => name !== '').sort();
}

function packagesIn(file: string): Packages | undefined {
  const { packages } = recordOf(jsonIn(file));
  return packages === undefined ? undefined : recordOf(packages);
}

function jsonIn(file: string): unknown {
  try {
    const reading = readJson(readFileSync(file, 'utf8'));
    return 'value' in reading ? reading.value : undefined;
  } catch {
    return undefined;
  }
}
