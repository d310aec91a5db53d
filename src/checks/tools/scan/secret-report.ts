import { scrypt } from 'node:crypto';
import { z } from 'zod';
import { harmless } from '../../../kernel/foreign.ts';
import type { Finding } from '../../model.ts';
import { compare } from '../../verdict/fingerprint.ts';

/** The place of a finding. The rest of its line includes the secret and must not leave this module. */
const placeShape = z.object({
  /** Missing for a secret in a commit message. */
  file: z.string().optional(),
  line: z.number().optional(),
  commit: z.string().optional(),
  email: z.string().optional(),
  /** `2026-11-21 16:10:08 +0000`. */
  timestamp: z.string().optional(),
});

const lineShape = z.object({
  SourceMetadata: z.object({
    Data: z.union([z.object({ Git: placeShape }), z.object({ Filesystem: placeShape })]),
  }),
  DetectorName: z.string(),
  Verified: z.boolean(),
  VerificationError: z.string().optional(),
  Raw: z.string(),
  RawV2: z.string().optional(),
});

/** A secret, under a name that does not reveal it. */
export interface FoundSecret {
  /** `AWS`, `PrivateKey`. */
  readonly detector: string;
  /** undefined: in a commit message. */
  readonly file?: string;
  readonly line?: number;
  readonly commit?: string;
  readonly author?: string;
  readonly time?: string;
  readonly verified: boolean;
  /** The same for the same secret in all places. */
  readonly name: string;
}

/** The repository, for the places of secrets. */
interface SecretPlaces {
  /** The file as it is now; undefined if it is gone. */
  read(path: string): string | undefined;
  /** A path that TruffleHog printed, from the top of the repository. */
  path(printed: string): string;
}

/**
 * Reads TruffleHog's JSON lines.
 *
 * @returns undefined if a line is not a finding: then the output cannot be trusted, and must not be shown.
 */
export async function readSecrets(stdout: string, places: SecretPlaces): Promise<FoundSecret[] | undefined> {
  const found: FoundSecret[] = [];
  const names = new Map<string, Promise<string>>();
  for (const text of stdout.split('\n')) {
    if (text.trim() === '') continue;
    const line = parsed(text);
    if (line === undefined) return undefined;
    const { Data } = line.SourceMetadata;
    const place = 'Git' in Data ? Data.Git : Data.Filesystem;
    const file = place.file ? places.path(place.file) : undefined;
    const secret = `${line.DetectorName}\0${line.RawV2 || line.Raw}`;
    if (!names.has(secret)) names.set(secret, nameOf(secret));
    const current = file === undefined ? undefined : lineOf(line.Raw, places.read(file));
    const now = current ?? ('Git' in Data ? undefined : place.line);
    found.push({
      detector: line.DetectorName,
      ...(file === undefined ? {} : { file }),
      ...(now === undefined ? {} : { line: now }),
      // Staged changes have a word instead of a commit.
      ...(/^[0-9a-f]{40,64}$/.test(place.commit ?? '') ? { commit: place.commit as string } : {}),
      ...(place.email === undefined || place.email === '' ? {} : { author: place.email }),
      ...(place.timestamp === undefined ? {} : { time: place.timestamp }),
      verified: line.Verified,
      name: (await names.get(secret)) ?? '',
    });
  }
  return distinct(found);
}

function parsed(text: string): z.infer<typeof lineShape> | undefined {
  try {
    return lineShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The current line of the secret, which differs from that of an old commit. */
function lineOf(raw: string, text: string | undefined): number | undefined {
  const at = raw === '' ? -1 : (text?.indexOf(raw) ?? -1);
  return at < 0 ? undefined : (text ?? '').slice(0, at).split('\n').length;
}

/**
 * A stable name for a secret, which a baseline can contain and which does not help to guess it. A plain hash does: passwords
 * are short, and a graphics card computes billions of SHA-256 a second. scrypt costs an attacker about 50 ms and 32 MiB per
 * guess. A random salt is impossible, since the name must be the same in the next run.
 */
function nameOf(secret: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(secret, 'sluice: name of a secret', 6, { N: 2 ** 15, maxmem: 64 * 1024 * 1024 }, (error, key) => {
      if (error === null) resolve(key.toString('hex'));
      else reject(error);
    });
  });
}

/**
 * Once for each secret and file, by its newest commit; verified if any of them is. Sorted, since TruffleHog prints in the
 * order in which its workers finish.
 */
function distinct(found: readonly FoundSecret[]): FoundSecret[] {
  const newestFirst = found.toSorted((a, b) => compare(`${b.time} ${b.commit}`, `${a.time} ${a.commit}`));
  const same = Map.groupBy(newestFirst, ({ name, file }) => `${file} ${name}`);
  return [...same.entries()]
    .sort(([a], [b]) => compare(a, b))
    .map(([, all]) => ({ ...(all[0] as FoundSecret), verified: all.some(({ verified }) => verified) }));
}

/** Keys of tests and examples are usually made up. A live one counts anyway. */
const madeUp =
  /(?:^|\/)(?:tests?|__tests__|specs?|fixtures|testdata|examples?|docs?)\/|\.(?:example|sample|template)$|[._-](?:test|spec)\.\w+$/i;

/**
 * A live secret fails. An unconfirmed one needs a review: it may be revoked, or an example. In folders for tests, examples
 * and docs it is only a note.
 */
export function secretFindings(secrets: readonly FoundSecret[]): Finding[] {
  return secrets.map((secret): Finding => {
    const { detector, file, line, commit, author, verified, name } = secret;
    const example = !verified && file !== undefined && madeUp.test(file);
    const by = author === undefined ? '' : ` by ${harmless(author).replace(/\s+/g, ' ')}`;
    const where = commit === undefined ? 'not committed yet' : `commit ${commit.slice(0, 12)}${by}`;
    const state = verified ? 'Its issuer confirms that it is live' : 'It is unknown whether it is live';
    return {
      tool: 'trufflehog',
      rule: detector,
      severity: verified ? 'critical' : example ? 'low' : 'high',
      level: verified ? 'fail' : example ? 'note' : 'review',
      message: `Found a secret of type ${detector} in ${file ?? 'a commit message'} (${where}). ${state}.`,
      ...(file === undefined ? {} : { at: { file, ...(line === undefined ? {} : { line }) } }),
      fix:
        commit === undefined
          ? 'Remove it before you commit.'
          : 'Rotate it at its issuer: git history keeps it even after you remove it from the file.',
      docs: 'https://docs.github.com/en/code-security/how-tos/secure-your-secrets',
      subject: `${detector}:${name}`,
    };
  });
}
