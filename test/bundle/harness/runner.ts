/*
 * What GitHub's runner makes of an action's files and output, after its own source: FileCommandManager.cs and
 * ActionCommand.cs. It is strict, so that what the runner would refuse fails the test.
 */

export interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly message: string;
}

/** `NAME=value` and `NAME<<DELIMITER` of GITHUB_OUTPUT and GITHUB_STATE. @throws Error where the runner fails the step. */
export function keyValues(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (line === '') continue;
    const equals = line.indexOf('=');
    const heredoc = line.indexOf('<<');
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      values[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    if (heredoc <= 0) throw new Error(`the runner refuses the line ${JSON.stringify(line)}`);
    const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
    const end = lines.indexOf(delimiter, index + 1);
    if (end < 0) throw new Error(`no end of ${name}`);
    values[name] = lines.slice(index + 1, end).join('\n');
    index = end;
  }
  return values;
}

/** Every `::command::` at the start of a line and every `##[command]` anywhere, as the runner finds them. */
export function commandsIn(log: string): Command[] {
  return log.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*::([\w-]+)(?: ([^:]*))?::(.*)$/s.exec(line);
    if (match !== null) {
      const [, name = '', properties = '', message = ''] = match;
      return [{ name, properties: propertiesOf(properties), message: unescaped(message) }];
    }
    const old = /##\[(\w+)[^\]]*\](.*)/.exec(line);
    return old === null ? [] : [{ name: old[1] ?? '', properties: {}, message: old[2] ?? '' }];
  });
}

function propertiesOf(text: string): Record<string, string> {
  const pairs = text.split(',').filter((part) => part.includes('='));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), unescaped(pair.slice(at + 1))];
    }),
  );
}

function unescaped(text: string): string {
  return text
    .replaceAll('%0A', '\n')
    .replaceAll('%0D', '\r')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%');
}
