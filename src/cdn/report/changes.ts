import type { Change, PublicationPlan } from '../model.ts';

export const changeKinds = ['new', 'changed', 'headers', 'removed', 'expired'] as const;
/** The fate of a path. */
export type ChangeKind = (typeof changeKinds)[number];

/** One line of a list of changes. */
export interface ListedChange {
  readonly kind: ChangeKind;
  readonly path: string;
  readonly size: number;
  /** Its content comes from the store, not from the folder. */
  readonly isKept: boolean;
}

/** Every change of a plan by path: uploads and copies, then removals, then deletions. */
export function listChanges({ changes, removed, expired }: PublicationPlan): ListedChange[] {
  return [
    ...changes.map(listed),
    ...removed.map(({ path, size }) => ({ kind: 'removed' as const, path, size, isKept: false })),
    ...expired.map(({ path, size }) => ({ kind: 'expired' as const, path, size, isKept: false })),
  ];
}

function listed(change: Change): ListedChange {
  const { path, size } = change.to;
  if (change.kind === 'headers') return { kind: 'headers', path, size, isKept: false };
  const kind = change.before === undefined ? 'new' : 'changed';
  return { kind, path, size, isKept: change.kind === 'restore' };
}

export interface TypeTotal {
  readonly type: string;
  readonly files: number;
  readonly bytes: number;
}

export interface PlannedTotals {
  readonly counts: Readonly<Record<ChangeKind, number>>;
  readonly bytes: Readonly<Record<ChangeKind, number>>;
  /** Sent bytes by type, largest first. */
  readonly types: readonly TypeTotal[];
  /** The site is up to date: there is no new release. */
  readonly isNothing: boolean;
}

export function totalsOf(plan: PublicationPlan): PlannedTotals {
  const counts = { new: 0, changed: 0, headers: 0, removed: 0, expired: 0 };
  const bytes = { ...counts };
  const all = listChanges(plan);
  for (const { kind, size } of all) {
    counts[kind]++;
    bytes[kind] += size;
  }
  return {
    counts,
    bytes,
    types: typesOf(plan.changes),
    isNothing: plan.current?.number === plan.release.number,
  };
}

function typesOf(changes: readonly Change[]): TypeTotal[] {
  const types = new Map<string, { files: number; bytes: number }>();
  for (const change of changes) {
    if (change.kind !== 'upload') continue;
    const { path, size, headers } = change.to;
    const type = typeOf(path, headers['content-type'] ?? '');
    const known = types.get(type) ?? { files: 0, bytes: 0 };
    types.set(type, { files: known.files + 1, bytes: known.bytes + size });
  }
  return [...types]
    .map(([type, sums]) => ({ type, ...sums }))
    .sort((a, b) => b.bytes - a.bytes || (a.type < b.type ? -1 : 1));
}

/** The first match counts: an SVG is an image although it is XML. */
const mediaTypes: readonly (readonly [RegExp, string])[] = [
  [/^text\/html\b|xhtml/, 'HTML'],
  [/javascript|ecmascript/, 'JavaScript'],
  [/^text\/css\b/, 'CSS'],
  [/wasm/, 'WebAssembly'],
  [/^image\//, 'images'],
  [/^font\/|font-/, 'fonts'],
  [/^(?:audio|video)\//, 'audio and video'],
  [/json|xml|csv|yaml/, 'data'],
  [/^text\//, 'text'],
];

/** Names the type of a file. */
export function typeOf(path: string, mediaType: string): string {
  if (/\.map(?:\.br|\.gz)?$/.test(path)) return 'source maps';
  return mediaTypes.find(([pattern]) => pattern.test(mediaType))?.[1] ?? 'other';
}
