/** Files with exact versions of packages: the input of a vulnerability scan. */

/** By their fixed names; whether trivy 0.74 finds packages in them. */
const lockNames: Readonly<Record<string, (text: string) => boolean>> = {
  'package-lock.json': (text) =>
    /"node_modules\/|"dependencies":\s*\{\s*"[^"]+":\s*\{/.test(text) || !isJson(text),
  'yarn.lock': (text) => /^[ \t]+version:? /m.test(text),
  'pnpm-lock.yaml': (text) => /^(?:packages|snapshots):\s*$/m.test(text),
  'bun.lock': (text) => /"packages":\s*\{\s*"/.test(text),
  'poetry.lock': (text) => text.includes('[[package]]'),
  // The project itself is in it, too; without other packages trivy does not list the file.
  'uv.lock': (text) => text.split('[[package]]').length > 2,
  'Pipfile.lock': (text) => /"version":/.test(text) || !isJson(text),
  'go.mod': (text) => /^[ \t]*(?:require\s+)?[\w/-]+\.[\w./-]+\s+v\d/m.test(text),
  'Cargo.lock': (text) => text.split('[[package]]').length > 2,
  'composer.lock': (text) => /"version":/.test(text) || !isJson(text),
  'Gemfile.lock': (text) => /^ {4}\S+ \(/m.test(text),
  'packages.lock.json': (text) => /"resolved":/.test(text) || !isJson(text),
  'gradle.lockfile': (text) => /^[^#\s][^=:\n]*:[^=:\n]*:/m.test(text),
};

/** `PyYAML[x]>=5,==5.3.1 ; python_version < "3.13"`: trivy reads only requirements with one exact version. */
const pinned =
  /^[ \t]*[A-Za-z0-9][\w.-]*(?:[ \t]*\[[^\]\n]*\])?[ \t]*(?:[<>!~][^;#,\n]*,[ \t]*)*==[ \t]*[\w.!+-]+[ \t]*(?:[;#,\\]|--|$)/m;

/** Manifests that trivy reads beside a lock file, to tell direct, indirect and development packages apart. */
const besides = new Set([
  'package.json',
  'pyproject.toml',
  'Pipfile',
  'Cargo.toml',
  'go.sum',
  'composer.json',
]);

/** For trivy's `--file-patterns`: by default it reads only requirements.txt. */
export const requirementsPattern = '(^|/)(requirements[^/]*|requirements/[^/]+)\\.txt$';

export function isLockFile(path: string): boolean {
  return Object.hasOwn(lockNames, nameOf(path)) || isRequirements(path);
}

export function isBeside(path: string): boolean {
  return besides.has(nameOf(path));
}

/** Whether a scanner must find a package in it: if it lists none, it could not parse the file. */
export function namesPackages(path: string, text: string): boolean {
  if (isRequirements(path)) return pinned.test(text);
  return lockNames[nameOf(path)]?.(text) ?? false;
}

/** The line (from 1) where a lock file or a list of requirements names a package; undefined if it is not found. */
export function lineOfPackage(text: string, name: string): number | undefined {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const patterns = [
    `"(?:[^"]*node_modules/)?${escaped}": *\\{`,
    `^name = "${escaped}"`,
    `^ {0,6}['"]?/?${escaped}@`,
    `^${escaped}(?:\\[|[ =<>~!;(]|$)`,
    `^ {4}${escaped} \\(`,
    `"name": "${escaped}"`,
    `\\b${escaped} v\\d`,
  ];
  const lines = text.split('\n');
  for (const pattern of patterns) {
    // pip ignores case, and treats - and _ alike.
    const found = lines.findIndex((line) => new RegExp(pattern, 'i').test(line));
    if (found >= 0) return found + 1;
  }
  return undefined;
}

/** Requirements without one exact version, which is unknown before the install. */
export function unpinned(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^\s*[A-Za-z0-9]/.test(line) && !line.includes('://') && !pinned.test(line))
    .map((line) => line.replace(/[;#][\s\S]*$/, '').trim());
}

export function isRequirements(path: string): boolean {
  return new RegExp(requirementsPattern).test(path);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
