import { stripVTControlCharacters } from 'node:util';

/**
 * Text that others wrote (an app's log, a tool's message, a branch name) must drive neither the terminal it is shown
 * on nor GitHub's runner, which obeys `##[command]` anywhere in a line and `::command::` at a line's start, on stdout
 * and on stderr.
 */
export function harmless(text: string): string {
  const lines = stripVTControlCharacters(text).replace(/\r\n?/g, '\n');
  return breakCommands(lines.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ''));
}

/** The runner's commands made into mere text; everything else, our own colours too, stays. */
export function breakCommands(text: string): string {
  return text.replaceAll('##[', '# #[').replace(/^(\s*)::/gm, '$1: :');
}

/** A JSON text that means the same and holds no command: `##[` can only stand within its strings. */
export function breakCommandsInJson(json: string): string {
  return json.replaceAll('##[', '##\\u005b');
}
