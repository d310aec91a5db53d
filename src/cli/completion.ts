import type { Argument, Command, Option } from 'commander';
import { exitCodes } from '../kernel/run.ts';
import { wrongArgument } from './arguments.ts';
import type { CommandContext } from './context.ts';

/*
 * The scripts only hand the words of the command line to `sluice __complete`, which answers from the commands
 * themselves: a line `value<TAB>description` for each value, and `:files` or `:folders` if the shell adds paths.
 */
const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for sluice. In ~/.bashrc:  source <(sluice completion bash)
_sluice() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line path
  # bash splits --target=name at the equals sign.
  [[ $current == '=' ]] && current=''
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :files | :folders)
        compopt -o filenames 2>/dev/null
        while IFS= read -r path; do
          COMPREPLY+=("$path")
        done < <(if [[ $line == :files ]]; then compgen -f -- "$current"; else compgen -d -- "$current"; fi)
        ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <(sluice __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _sluice sluice
`,
  zsh: `#compdef sluice
# zsh completion for sluice. In ~/.zshrc, after compinit:  source <(sluice completion zsh)
_sluice() {
  local line
  local -a values
  for line in "\${(@f)$(sluice __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      :files) _files ;;
      :folders) _files -/ ;;
      ?*) values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  (( $#values )) && _describe sluice values
}
if [[ $funcstack[1] == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`,
  fish: `# fish completion for sluice:  sluice completion fish > ~/.config/fish/completions/sluice.fish
function __sluice_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (sluice __complete $words "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':folders'
                __fish_complete_directories "$current"
            case '*'
                echo $line
        end
    end
end
complete -c sluice -f -a '(__sluice_complete)'
`,
};

/** `sluice completion` */
export async function execute({ effects, json }: CommandContext, shell = ''): Promise<number> {
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) throw wrongArgument(shell, `expected one of ${Object.keys(scripts).join(', ')}`);
  effects.print(json ? JSON.stringify({ ok: true, script }) : script.trimEnd());
  return exitCodes.ok;
}

/** Possible words at a place of the command line. */
interface Candidates {
  readonly values: readonly (readonly [value: string, description: string])[];
  readonly paths?: 'files' | 'folders';
}

/** Where the command line ends: the command, how many positional arguments it has, an option that needs a value. */
interface Position {
  readonly command: Command;
  readonly arguments: number;
  readonly option: Option | undefined;
  readonly config: string | undefined;
}

/** @param words after `sluice`; the last one is being typed. @returns what the scripts read. */
export async function complete(program: Command, words: readonly string[]): Promise<string> {
  const joined = words.filter((word, index) => word !== '=' || index === words.length - 1);
  const last = joined.at(-1) ?? '';
  const current = last === '=' ? '' : last;
  const { values, paths } = await candidatesFor(current, positionAfter(program, joined.slice(0, -1)));
  const lines = [
    ...values
      .filter(([value]) => value.startsWith(current))
      .map(([value, description]) => `${value}\t${description}`),
    ...(paths === undefined ? [] : [`:${paths}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function positionAfter(program: Command, words: readonly string[]): Position {
  let command = program;
  let count = 0;
  let option: Option | undefined;
  let config: string | undefined;
  for (const word of words) {
    if (option !== undefined) {
      if (option.long === '--config') config = word;
      option = undefined;
    } else if (word.startsWith('-')) {
      const [flag = '', value] = word.split('=');
      const found = optionsOf(command).find(({ long, short }) => long === flag || short === flag);
      if (found?.required === true && value === undefined) option = found;
      if (found?.long === '--config') config = value;
    } else {
      const sub = count === 0 ? command.commands.find((known) => known.name() === word) : undefined;
      if (sub === undefined) count += 1;
      else command = sub;
    }
  }
  return { command, arguments: count, option, config };
}

async function candidatesFor(current: string, position: Position): Promise<Candidates> {
  const { command, option, config } = position;
  if (option !== undefined) return await valuesOf(option, config);
  const [flag = '', value] = current.split('=');
  if (flag.startsWith('-')) {
    const found = value === undefined ? undefined : optionsOf(command).find(({ long }) => long === flag);
    if (found === undefined) return { values: visibleOptions(command) };
    const { values } = await valuesOf(found, config);
    return { values: values.map(([text, description]) => [`${flag}=${text}`, description] as const) };
  }
  const argument = command.registeredArguments[position.arguments];
  const { values = [], paths } = argument === undefined ? {} : await valuesOf(argument, config);
  const commands = position.arguments > 0 ? [] : command.commands;
  const all = [...commands.map((sub) => [sub.name(), sub.description()] as const), ...values];
  return paths === undefined ? { values: all } : { values: all, paths };
}

/** By the name of the value in the help: `<file>`, `[target]`, `<bash|zsh|fish>`. */
async function valuesOf(place: Option | Argument, config: string | undefined): Promise<Candidates> {
  const isOption = 'flags' in place;
  const name = isOption ? (/<([^<>]*)>/.exec(place.flags)?.[1] ?? '') : place.name();
  if (name === 'file') return { values: [], paths: 'files' };
  if (name === 'folder') return { values: [], paths: 'folders' };
  if (name.includes('|')) return { values: name.split('|').map((word) => [word, ''] as const) };
  const isTarget = isOption ? place.long === '--target' && name === 'name' : name === 'target';
  return { values: isTarget ? await targetNames(config) : [] };
}

async function targetNames(config: string | undefined): Promise<(readonly [string, string])[]> {
  const { loadConfig } = await import('../config/sluice-yml/load.ts');
  // A completion has no place for an error.
  const found = await loadConfig(config).catch(() => undefined);
  return Object.values(found?.targets ?? {}).map(({ name, hosts }) => [
    name,
    hosts.map((host) => host.name).join(', '),
  ]);
}

function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))];
}

function visibleOptions(command: Command): (readonly [string, string])[] {
  const help = command.createHelp();
  const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
  return options.map(({ long, description }) => [long ?? '', description] as const);
}
