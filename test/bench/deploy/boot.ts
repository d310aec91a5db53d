import type { BedHost } from '../../bed/bed.ts';

/** What the application needs for itself, whoever deploys it, in ms. */
export interface OwnTimes {
  /** From the start of its containers until the API answers its health path. */
  readonly boot: number;
  /** From SIGTERM to the end of all its containers. */
  readonly stop: number;
}

/** Stops and starts existing containers together, with nothing else going on. The first is the one that is asked. */
export async function measureOwnTimes(
  host: BedHost,
  containers: readonly string[],
  health: string,
): Promise<OwnTimes> {
  const [first] = containers;
  const names = containers.join(' ');
  const text = await host.must(`set -e
begin=$(date +%s%N)
for name in ${names}; do docker stop --time 60 "$name" >/dev/null & done
wait
stopped=$(date +%s%N)
sleep 1
started=$(date +%s%N)
for name in ${names}; do docker start "$name" >/dev/null & done
while :; do
  address=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' ${first})
  if [ -n "$address" ] && curl -fs -o /dev/null -m 1 "http://$address:${health}"; then break; fi
  sleep 0.02
done
well=$(date +%s%N)
wait
echo $(( (well - started) / 1000000 )) $(( (stopped - begin) / 1000000 ))`);
  const [boot = Number.NaN, stop = Number.NaN] = text.trim().split(' ').map(Number);
  return { boot, stop };
}

/**
 * The boot within a deploy, in ms: from the start of a host's newest container with these labels until its application was
 * ready, as its log has it. On a busy machine no boot at another moment says what this one took.
 */
export async function bootOfNewest(host: BedHost, labels: readonly string[]): Promise<number> {
  const filters = labels.map((label) => `--filter label=${label}`).join(' ');
  const text = await host.must(`set -e
container=$(docker ps -q ${filters} | head -n 1)
docker inspect -f '{{.State.StartedAt}}' "$container"
docker logs --timestamps "$container" 2>&1 | grep 'Application startup complete' | tail -n 1 | cut -d ' ' -f 1`);
  const [started = '', ready = ''] = text.trim().split('\n');
  const boot = Date.parse(ready) - Date.parse(started);
  if (!(boot > 0)) throw new Error(`${host.name}: no boot in the log of ${labels.join(', ')}: ${text}`);
  return boot;
}
