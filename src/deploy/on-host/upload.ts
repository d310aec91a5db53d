import { randomBytes } from 'node:crypto';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';

export interface RemoteFile {
  /** Path below the folder, without `..`. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

// Each file is written under another name, flushed and renamed, so that it is never partial.
// Mounted folders must be readable for the container's user. The app's folder above them stays 0700.
const prologue = `
set -eu
umask 077
cd "$1"
put() {
  case "$1" in
    files/*) ( umask 022; mkdir -p "$(dirname "$1")" ) ;;
    *) mkdir -p "$(dirname "$1")" ;;
  esac
  base64 -d >"$1.new"
  chmod "$2" "$1.new"
  sync "$1.new" 2>/dev/null || sync
  mv -f "$1.new" "$1"
}
`;

/**
 * Writes files into a folder of the host with one script. Contents are in the script, on stdin, so that no secret is ever
 * on a command line.
 *
 * @throws UserError `host.disk-full` or `host.write-failed`.
 */
export async function writeFiles(
  host: Host,
  folder: string,
  files: readonly RemoteFile[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const end = `EOF_${randomBytes(8).toString('hex')}`;
  const parts = files.map(
    (file) =>
      `put ${shellQuote(file.path)} ${file.mode.toString(8)} <<'${end}'\n${wrap(file.content.toString('base64'))}\n${end}\n`,
  );
  const result = await host.script(`${prologue}${parts.join('')}`, {
    args: [folder],
    timeoutMs: 300_000,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  if (result.code === 0) return;
  const full = /no space left/i.test(result.stderr);
  throw new UserError({
    code: full ? 'host.disk-full' : 'host.write-failed',
    message: `${host.name}: cannot write to ${folder}`,
    hint: full ? 'Free disk space on the host, then deploy again.' : `The deploy user must own ${folder}.`,
    output: tail(result.stderr, 5),
  });
}

/** Some implementations of base64 and here-documents limit the length of a line. */
function wrap(text: string): string {
  return text.replace(/.{1,76}/g, '$&\n').trimEnd();
}

/** Quotes a text as one word of a POSIX shell. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
