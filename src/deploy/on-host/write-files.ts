import { randomBytes } from 'node:crypto';
import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import { quoteWord } from '../../kernel/quote.ts';
import type { Colour, Layout } from '../model.ts';

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

/** Some implementations of base64 and here-documents limit the length of a line. */
function wrap(text: string): string {
  return text.replace(/.{1,76}/g, '$&\n').trimEnd();
}

// Each file is flushed and then replaced by a rename, so that a power cut leaves the old or the new one.
// $1 app folder, $2 color, $3 release ('' for none), then the services with an edge
const script = `
set -eu
umask 077
cd "$1"; color=$2; release=$3; shift 3
for service in "$@"; do
  [ -d "edge/$service" ] || continue
  printf 'active %s\\n' "$color" >"edge/$service/active.map.new"
  # Keep another name of the containers that serve.
  sed -n "/^name-$color /p" "edge/$service/active.map" >>"edge/$service/active.map.new" 2>/dev/null || :
  sync "edge/$service/active.map.new" 2>/dev/null || sync
  mv -f "edge/$service/active.map.new" "edge/$service/active.map"
done
if [ -n "$release" ]; then
  ln -sfn "releases/$release" current.new
  mv -fT current.new current 2>/dev/null || { rm -f current; mv -f current.new current; }
else
  rm -f current
fi
sync -f . 2>/dev/null || sync
`;

/**
 * Persists the color and the release that a host starts with. Without a release, the app has none.
 *
 * @throws UserError `host.write-failed`.
 */
export async function persistColour(
  host: Host,
  layout: Layout,
  services: readonly string[],
  colour: Colour,
  release: string | undefined,
): Promise<void> {
  const result = await host.script(script, {
    args: [layout.app, colour, release ?? '', ...services],
    timeoutMs: 20_000,
  });
  if (result.code === 0) return;
  throw new UserError({
    code: 'host.write-failed',
    message: `${host.name}: cannot write to ${layout.app}`,
    hint: 'Check that the disk has free space and that the deploy user owns the folder.',
    output: tail(result.stderr, 3),
  });
}
