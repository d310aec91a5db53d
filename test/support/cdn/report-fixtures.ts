import type {
  Change,
  Entry,
  FileClass,
  PublicationPlan,
  PublicationReport,
  ReleaseInfo,
  Retained,
  SiteFile,
  SiteStatus,
  StoredEntry,
  VerifyReport,
} from '../../../src/cdn/model.ts';

const at = Date.UTC(2026, 2, 14, 3, 12, 9);

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  map: 'application/json',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
};

function entry(path: string, size: number): Entry {
  const ending = path.split('.').at(-1) ?? '';
  const found: FileClass = ending === 'html' ? 'page' : path.startsWith('assets/') ? 'asset' : 'file';
  const headers = { 'content-type': types[ending] ?? 'application/octet-stream' };
  return { path, class: found, size, sha256: 'x'.repeat(43), headers };
}

const file = (path: string, size: number): SiteFile => ({
  ...entry(path, size),
  file: `/app/dist/${path}`,
});
const stored = (path: string, size: number): StoredEntry => ({ ...entry(path, size), etag: '"e"' });
const retained = (path: string, size: number): Retained => ({
  ...stored(path, size),
  ...{ at: path, last: 9, left: at },
});

export const upload = (path: string, size: number, before?: number): Change => ({
  ...{ kind: 'upload', to: file(path, size) },
  ...(before === undefined ? {} : { before: stored(path, before) }),
});

export const release: ReleaseInfo = {
  ...{
    number: 13,
    name: 'v1.2.3',
    at,
    by: 'octocat',
    commit: '1a2b3c4d5e6f7a8b9c0d',
    files: 9_999,
    bytes: 96_468_992,
  },
};
export const before: ReleaseInfo = {
  ...{ ...release, number: 12, name: 'v1.2.2', at: at - 86_400_000, commit: '0f1e2d3c4b5a' },
};

export const requests = { get: 2, head: 0, put: 19, copy: 4, delete: 1, list: 0, post: 1 } as const;

export const plan: PublicationPlan = {
  store: 's3://bookreader-assets/app',
  target: 'production',
  url: 'https://app.example.com/',
  current: before,
  release,
  changes: [
    upload('assets/app-1a2b3c4d.js', 214_311),
    upload('assets/app-1a2b3c4d.js.map', 88_120),
    upload('assets/app-9f8e7d6c.css', 18_022),
    upload('assets/inter-var.woff2', 48_432),
    {
      ...{ kind: 'restore', to: entry('assets/chunk-77aa88bb.js', 9_120) },
      from: retained('assets/chunk-77aa88bb.js', 9_120),
    },
    { kind: 'headers', to: entry('robots.txt', 68), before: stored('robots.txt', 68) },
    upload('docs/index.html', 4_310, 4_190),
    upload('index.html', 1_288, 1_288),
  ],
  unchanged: 9_984,
  removed: [stored('assets/app-00000000.js', 213_977), stored('assets/app-00000000.css', 17_902)],
  expired: [retained('assets/app-ffffffff.js', 201_310)],
  bytes: 374_483,
  requests,
  invalidations: [
    {
      cdn: 'CloudFront E2EXAMPLE',
      paths: ['/', '/docs/', '/docs/index.html', '/index.html', '/robots.txt'],
      ...{ requests: 1, cost: '5 of the 1,000 free paths per month' },
    },
  ],
  notes: ['The store has no conditional writes: a lease keeps two publishers apart.'],
};

/** The site is as wanted: there is no new release. */
export const idle: PublicationPlan = {
  ...{
    ...plan,
    release: before,
    changes: [],
    removed: [],
    expired: [],
    bytes: 0,
    unchanged: 9_999,
    notes: [],
  },
  invalidations: [{ cdn: 'CloudFront E2EXAMPLE', paths: [], requests: 0, cost: '' }],
};

export const verify: VerifyReport = {
  ...{ url: 'https://app.example.com/', pages: 20, assets: 61, findings: [], ms: 2_104 },
  timing: { lookup: 12, connect: 21, tls: 41, firstByte: 88, total: 132 },
};

export const faulty: VerifyReport = {
  ...verify,
  findings: [
    {
      ...{ level: 'warn', kind: 'security', url: 'https://app.example.com/' },
      message: 'Content-Security-Policy is missing',
    },
    {
      ...{ level: 'fail', kind: 'content', url: 'https://app.example.com/assets/app-1a2b3c4d.js' },
      message: 'answers 404, and /index.html names it',
    },
  ],
};

export const report: PublicationReport = {
  ...{ plan, outcome: 'published', finished: undefined, requests, retries: 0, ms: 4_210 },
  invalidations: [
    {
      ...{ cdn: 'CloudFront E2EXAMPLE', paths: plan.invalidations[0]?.paths ?? [], requests: 1, ms: 312 },
      outcome: 'accepted',
    },
  ],
  verify,
  notes: plan.notes,
};

export const status: SiteStatus = {
  ...{ store: plan.store, url: plan.url, current: release },
  history: [
    { ...release, kept: true },
    { ...before, kept: true },
    { ...before, number: 11, name: 'v1.2.0', by: 'hubot', rollbackOf: 9, kept: true },
    { ...before, number: 10, name: 'main-with-a-name-longer-than-its-column-has-room-for', kept: false },
  ],
  retained: { files: 312, bytes: 4_299_161 },
  lease: undefined,
  unfinished: undefined,
  audit: undefined,
};
