import { randomBytes } from 'node:crypto';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { quoteWord } from '../../kernel/quote.ts';

export interface RemoteFile {
  /** Path below the folder, without `..`. */
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

// Each file is written beside its place, flushed, and renamed: it is there whole or not at all.
// Folders that a container mounts must be readable for its user; the app's own folder above them stays 0700.
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
 * Writes files into a folder of the host, all in one script: contents travel inside it, on stdin, so that secrets
 * never stand on a command line.
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
      `put ${quoteWord(file.path)} ${file.mode.toString(8)} <<'${end}'\n${wrap(file.content.toString('base64'))}\n${end}\n`,
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

/** Some implementations of base64 and of here-documents have limits on the length of a line. */
function wrap(text: string): string {
  return text.replace(/.{1,76}/g, '$&\n').trimEnd();
}
