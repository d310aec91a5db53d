import { scrypt } from 'node:crypto';
import { z } from 'zod';
import { harmless } from '../../../kernel/foreign.ts';
import type { Finding } from '../../model.ts';
import { compare } from '../../verdict/fingerprint.ts';

/** Where TruffleHog found something; the rest of its line, the secret itself among it, leaves this module for nowhere. */
const placeShape = z.object({
  /** Not for what stands in the message of a commit. */
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

/** A secret, by a name that does not give it away. */
export interface FoundSecret {
  /** `AWS`, `PrivateKey`. */
  readonly detector: string;
  /** undefined: in the message of the commit. */
  readonly file?: string;
  readonly line?: number;
  readonly commit?: string;
  readonly author?: string;
  readonly time?: string;
  readonly verified: boolean;
  /** The same for the same secret wherever it stands. */
  readonly name: string;
}

/** The repository, for the places of secrets. */
export interface SecretPlaces {
  /** The file as it is now; undefined when it is gone. */
  read(path: string): string | undefined;
  /** A path that TruffleHog printed, from the top of the repository. */
  path(printed: string): string;
}

/**
 * Reads TruffleHog's JSON lines.
 *
 * @returns undefined when a line is not one of its findings: then nothing can be trusted, and none of it may be shown.
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
      // What is staged has a word in its place.
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

/** Where the secret stands today: the line of an old commit is another line by now. */
function lineOf(raw: string, text: string | undefined): number | undefined {
  const at = raw === '' ? -1 : (text?.indexOf(raw) ?? -1);
  return at < 0 ? undefined : (text ?? '').slice(0, at).split('\n').length;
}

/**
 * A name for a secret that is stable, so that a baseline can speak of it, and does not help to guess it. A plain hash would:
 * passwords are short, and a graphics card tries billions of SHA-256 a second. scrypt costs whoever guesses what it costs us
 * here, about 50 ms and 32 MiB for each try. It can't be salted by chance, as it has to be the same in the next run.
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
 * Once for each secret and file, by its newest commit; verified when any of them is. TruffleHog prints in whatever order its
 * workers are done, so they are put in order here.
 */
function distinct(found: readonly FoundSecret[]): FoundSecret[] {
  const newestFirst = found.toSorted((a, b) => compare(`${b.time} ${b.commit}`, `${a.time} ${a.commit}`));
  const same = Map.groupBy(newestFirst, ({ name, file }) => `${file} ${name}`);
  return [...same.entries()]
    .sort(([a], [b]) => compare(a, b))
    .map(([, all]) => ({ ...(all[0] as FoundSecret), verified: all.some(({ verified }) => verified) }));
}

/** Keys of tests and examples are made up as a rule. One that its issuer says is live counts all the same. */
const madeUp =
  /(?:^|\/)(?:tests?|__tests__|specs?|fixtures|testdata|examples?|docs?)\/|\.(?:example|sample|template)$|[._-](?:test|spec)\.\w+$/i;

/**
 * A live secret fails. One that nobody has confirmed asks a person to look: it may be dead, or an example. In folders for
 * tests, examples and docs it is only noted.
 */
export function secretFindings(secrets: readonly FoundSecret[]): Finding[] {
  return secrets.map((secret): Finding => {
    const { detector, file, line, commit, author, verified, name } = secret;
    const example = !verified && file !== undefined && madeUp.test(file);
    const by = author === undefined ? '' : ` by ${harmless(author).replace(/\s+/g, ' ')}`;
    const where = commit === undefined ? 'not committed yet' : `commit ${commit.slice(0, 12)}${by}`;
    const state = verified ? 'Its issuer says that it is live' : 'Whether it is live is not known';
    return {
      tool: 'trufflehog',
      rule: detector,
      severity: verified ? 'critical' : example ? 'low' : 'high',
      level: verified ? 'fail' : example ? 'note' : 'review',
      message: `A secret of the kind ${detector} is in ${file ?? 'a message'} (${where}). ${state}.`,
      ...(file === undefined ? {} : { at: { file, ...(line === undefined ? {} : { line }) } }),
      fix:
        commit === undefined
          ? 'Take it out before you commit it.'
          : 'Replace it at its issuer: it stays in the history of git, even when the file no longer has it.',
      docs: 'https://docs.github.com/en/code-security/how-tos/secure-your-secrets',
      subject: `${detector}:${name}`,
    };
  });
}
