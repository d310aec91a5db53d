import { forDevelopment } from './requirements.ts';

/** The setuptools package that setup.cfg declares; the file may hold only settings of tools. */
export interface SetupFile {
  readonly isPackage: boolean;
  readonly runtime: readonly string[];
  readonly development: readonly string[];
  readonly extras: readonly string[];
}

/** https://setuptools.pypa.io/en/latest/userguide/declarative_config.html */
export function readSetup(text: string): SetupFile {
  const extras = [...optionsIn(text, 'options.extras_require')].filter(([name]) => forDevelopment.test(name));
  return {
    isPackage: /^\[(?:metadata|options)\]/m.test(text),
    runtime: optionsIn(text, 'options').get('install_requires') ?? [],
    development: extras.flatMap(([, requirements]) => requirements),
    extras: extras.map(([name]) => name),
  };
}

/** The lists of a section, with their entries on separate, indented lines. */
function optionsIn(text: string, section: string): Map<string, string[]> {
  const options = new Map<string, string[]>();
  let here = '';
  let entries: string[] | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const [, name, first] = /^([\w.-]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) here = header;
    if (header !== undefined || /^\s*(?:[#;]|$)/.test(line)) continue;
    if (name !== undefined && first !== undefined) {
      entries = first === '' ? [] : [first];
      if (here === section) options.set(name, entries);
    } else if (/^\s/.test(line)) entries?.push(line.trim());
  }
  return options;
}
