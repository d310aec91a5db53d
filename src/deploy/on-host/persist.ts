import type { Host } from '../../host/model.ts';
import { UserError } from '../../kernel/errors.ts';
import { tail } from '../../kernel/process/process.ts';
import type { Colour, Layout } from '../model.ts';

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
