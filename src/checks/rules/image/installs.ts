import type { Instruction } from '../../../config/dockerfile/parse.ts';

/** A command that downloads packages. */
export interface Install {
  readonly manager: string;
  /** Packages of the app's manifest; system packages; single tools; a build that downloads modules. */
  readonly kind: 'dependencies' | 'system' | 'tool' | 'build';
  readonly command: string;
  /** Folder for a cache mount; undefined if none helps. */
  readonly cache: string | undefined;
}

type Form = readonly [manager: string, kind: Install['kind'], pattern: RegExp, cache: string | undefined];

const pipCache = '/root/.cache/pip';
const npmCache = '/root/.npm';
/** The first match counts. */
const forms: readonly Form[] = [
  ['uv', 'dependencies', /\buv\s+(?:sync|pip\s+(?:sync|install))\b/, '/root/.cache/uv'],
  [
    'pip',
    'dependencies',
    /\bpip3?(?:\.\d+)?\s+(?:\S+\s+){0,10}?install\b.{0,200}\s(?:-r\s*\S|--requirement[= ]|-e\s|\.(?:\[|\s|$)|\.\/)/,
    pipCache,
  ],
  ['pip', 'tool', /\bpip3?(?:\.\d+)?\s+(?:\S+\s+){0,20}?install\b/, pipCache],
  ['poetry', 'dependencies', /\bpoetry\s+(?:-\S+\s+){0,20}(?:install|sync)\b/, '/root/.cache/pypoetry'],
  ['pipenv', 'dependencies', /\bpipenv\s+(?:install|sync)\b/, '/root/.cache/pipenv'],
  ['pdm', 'dependencies', /\bpdm\s+(?:install|sync)\b/, '/root/.cache/pdm'],
  ['npm', 'tool', /\bnpm\s+(?:install|i|add)\s+(?:-\S+\s+){0,20}(?:-g|--global)\b/, npmCache],
  [
    'npm',
    'dependencies',
    /\bnpm\s+(?:-\S+\s+){0,20}(?:ci|clean-install|install|i)(?:\s+-\S+(?:[= ](?:warn|error|silent|dev|production|prod)\b)?){0,20}\s*(?:2?>[\s\S]*)?$/,
    npmCache,
  ],
  ['npm', 'tool', /\bnpm\s+(?:install|i|add)\b/, npmCache],
  [
    'yarn',
    'dependencies',
    /\byarn(?:\s+(?:install|workspaces\s+focus))?(?:\s+-\S+(?:\s+\d+)?){0,20}\s*$/,
    '/usr/local/share/.cache/yarn',
  ],
  [
    'pnpm',
    'dependencies',
    /\bpnpm\s+(?:-\S+\s+){0,20}(?:install|i|fetch)(?:\s+-\S+){0,20}\s*$/,
    '/root/.local/share/pnpm/store',
  ],
  ['bun', 'dependencies', /\bbun\s+(?:install|i)(?:\s+-\S+){0,20}\s*$/, '/root/.bun/install/cache'],
  ['apt-get', 'system', /\bapt(?:-get)?\s+(?:-\S+\s+){0,20}(?:install|upgrade|dist-upgrade)\b/, undefined],
  ['apk', 'system', /\bapk\s+(?:-\S+\s+){0,20}add\b/, undefined],
  ['dnf', 'system', /\b(?:dnf|yum|microdnf)\s+(?:-\S+\s+){0,20}install\b/, undefined],
  ['go', 'dependencies', /\bgo\s+mod\s+download\b/, '/go/pkg/mod'],
  ['go', 'build', /\bgo\s+(?:build|install)\b/, '/root/.cache/go-build'],
  ['cargo', 'dependencies', /\bcargo\s+(?:fetch|chef\s+cook)\b/, '/usr/local/cargo/registry'],
  ['cargo', 'build', /\bcargo\s+(?:build|install)\b/, '/usr/local/cargo/registry'],
  ['composer', 'dependencies', /\bcomposer(?:\.phar)?\s+(?:-\S+\s+){0,20}install\b/, '/root/.composer/cache'],
  ['bundler', 'dependencies', /\bbundle\s+(?:-\S+\s+){0,20}install\b/, '/usr/local/bundle/cache'],
  ['maven', 'dependencies', /\bmvnw?\b.{0,300}\bdependency:/, '/root/.m2'],
  ['maven', 'build', /\bmvnw?\b.{0,300}\b(?:package|install|verify)\b/, '/root/.m2'],
  ['dotnet', 'dependencies', /\bdotnet\s+restore\b/, '/root/.nuget/packages'],
  ['dotnet', 'build', /\bdotnet\s+(?:build|publish)\b/, '/root/.nuget/packages'],
];

/** The script of a RUN: its line, and the bodies of its heredocs. */
export function scriptOf({ text, list, heredocs }: Instruction): string {
  const line = list === undefined ? text : list.join(' ');
  return [line, ...heredocs.map((heredoc) => heredoc.text)].join('\n');
}

/** Its simple commands. Quotes are not parsed: a command within them counts, too. */
export function commandsOf(instruction: Instruction): string[] {
  if (instruction.keyword !== 'RUN') return [];
  return scriptOf(instruction)
    .split(/&&|\|\||[;|\n]/)
    .map((command) => command.trim())
    .filter((command) => command !== '' && !command.startsWith('#'));
}

export function installsOf(instruction: Instruction): Install[] {
  return commandsOf(instruction).flatMap((command) => installOf(command) ?? []);
}

export function installOf(command: string): Install | undefined {
  const words = command.slice(0, 2_000);
  if (/^(?:echo|printf|#|ls|cat|which|if|test|\[)\s/.test(words)) return undefined;
  const form = forms.find(([, , pattern]) => pattern.test(words));
  if (form === undefined) return undefined;
  const [manager, kind, , cache] = form;
  return { manager, kind, command: words, cache };
}

export function hasCacheMount({ flags }: Instruction): boolean {
  return flags.some(({ name, value }) => name === 'mount' && /(?:^|,)type=cache(?:,|$)/.test(value));
}
