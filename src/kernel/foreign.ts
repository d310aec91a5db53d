/**
 * Foreign text (an app's log, a tool's message, a branch name) must control neither the terminal nor GitHub's runner,
 * which executes `##[command]` anywhere in a line and `::command::` at a line's start, on stdout and on stderr.
 */
export function harmless(text: string): string {
  const lines = withoutSequences(text).replace(/\r\n?/g, '\n');
  return breakCommands(lines.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ''));
}

/**
 * Control sequences of terminals (ECMA-48): strings up to their end, CSI with its parameters, and two-character ones. No part
 * runs over the next ESC, so that a text of nothing else costs no more than its length; `stripVTControlCharacters` of Node 24
 * looks for the end of each string through all of the text.
 */
const sequences =
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f]*(?:\u0007|\u001b\\|\u009c)|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;

/**
 * Invisible characters that mislead a terminal, a browser or a reader: control characters, marks that
 * turn the writing direction, and joiners of no width (the emoji joiner U+200D stays).
 */
export const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Both, and those that are visible only in some places: soft hyphens, joiners, variation selectors. */
export const hidden = new RegExp(
  `${sequences.source}|[\u00ad\u034f\u200c\u200d\ufe00-\ufe0f]|${unseen.source}`,
  'g',
);

/** The text without control sequences of terminals: colors, cursor moves, titles, links. */
export function withoutSequences(text: string): string {
  return text.replace(sequences, '');
}

/**
 * The beginning of a runner command. The runner's lines end only at \r and \n (StreamReader.ReadLine), and .NET's
 * `String.TrimStart`, which runs before the search for `::`, removes U+0085 in addition to JavaScript's \s
 * (actions/runner, ActionCommand.cs). The pattern stays within one line, so that blank lines cost no more than their number.
 */
const lineCommand = /(?<=^|[\r\n])((?:(?![\r\n])[\s\u0085])*)::/g;

/** Turns the runner's commands into plain text and keeps everything else, including Sluice's colors. */
export function breakCommands(text: string): string {
  return text.replaceAll('##[', '# #[').replace(lineCommand, '$1: :');
}

/** An equivalent JSON text without commands: `##[` can only occur within its strings. */
export function breakCommandsInJson(json: string): string {
  return json.replaceAll('##[', '##\\u005b');
}
