import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A module as webpack's statistics tell of it; a module may be several files in one. */
export interface BundledModule {
  readonly nameForCondition?: string | null;
  readonly modules?: readonly BundledModule[];
}

/** `licenses` is how old packages say it. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly licenses?: readonly { readonly type: string }[];
}

/**
 * Names, versions and license texts of all packages whose code is in a bundle. (ncc's own list leaves out packages
 * whose entry is a file of re-exports.)
 *
 * @throws Error for a package without a license: a maintainer has to decide about it.
 */
export function licenseTexts(modules: readonly BundledModule[]): string {
  const sections = [...packageFolders(modules)].sort().map((folder) => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const { name, version } = manifest;
    const license = manifest.license ?? manifest.licenses?.map((license) => license.type).join(' OR ');
    if (license === undefined) throw new Error(`${folder} names no license`);
    const file = readdirSync(folder).find((candidate) => /^(?:licen[cs]e|copying)/i.test(candidate));
    const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
    return `${name} ${version}\n${license}\n${text.replaceAll('\r\n', '\n')}`;
  });
  return sections.join(`\n${'-'.repeat(80)}\n\n`);
}

function packageFolders(modules: readonly BundledModule[]): Set<string> {
  const folders = new Set<string>();
  for (const module of modules) {
    const [folder] = module.nameForCondition?.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/) ?? [];
    if (folder !== undefined) folders.add(folder);
    for (const inner of packageFolders(module.modules ?? [])) folders.add(inner);
  }
  return folders;
}
