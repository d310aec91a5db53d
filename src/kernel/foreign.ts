/**
 * Text that others wrote (an app's log, a tool's message, a branch name) must drive neither the terminal it is shown
 * on nor GitHub's runner, which obeys `##[command]` anywhere in a line and `::command::` at a line's start, on stdout
 * and on stderr.
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
 * Characters a reader can't see but a terminal, a browser or an eye is misled by: control characters, marks that
 * turn the writing direction, and joiners of no width (the emoji joiner U+200D stays).
 */
export const unseen =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Both, and those that are seen in some places alone: soft hyphens, joiners, variation selectors. */
export const hidden = new RegExp(
  `${sequences.source}|[\u00ad\u034f\u200c\u200d\ufe00-\ufe0f]|${unseen.source}`,
  'g',
);

/** The text without what a terminal would obey in it: colors, cursor moves, titles, links. */
export function withoutSequences(text: string): string {
  return text.replace(sequences, '');
}

/**
 * What the runner reads as the beginning of a command. Its lines end at \r and \n alone (StreamReader.ReadLine), and what
 * `String.TrimStart` of .NET takes off before it looks for `::` is more than JavaScript's \s: U+0085 as well
 * (actions/runner, ActionCommand.cs). Within one line, so that blank lines cost no more than their number.
 */
const lineCommand = /(?<=^|[\r\n])((?:(?![\r\n])[\s\u0085])*)::/g;

/** The runner's commands made into mere text; everything else, our own colours too, stays. */
export function breakCommands(text: string): string {
  return text.replaceAll('##[', '# #[').replace(lineCommand, '$1: :');
}

/** A JSON text that means the same and holds no command: `##[` can only stand within its strings. */
export function breakCommandsInJson(json: string): string {
  return json.replaceAll('##[', '##\\u005b');
}
