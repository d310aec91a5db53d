/** Versions and hashes of tools that repositories rarely include themselves. */

export type ToolName = 'trivy' | 'trufflehog' | 'hadolint' | 'actionlint' | 'squawk';
export type Platform = 'linux-x64' | 'linux-arm64';

/** The download: the program itself, or an archive that contains it. */
export interface LockedFile {
  readonly url: string;
  readonly sha256: string;
  /** Path of the program in a .tar.gz; undefined if the file is the program. */
  readonly path?: string;
}

export interface LockedTool {
  readonly version: string;
  /** Only platforms with a confirmed hash. */
  readonly files: Readonly<Partial<Record<Platform, LockedFile>>>;
}

/** Releases that attackers published; they are rejected on PATH, too. */
export const stolen: Readonly<Partial<Record<ToolName, readonly string[]>>> = { trivy: ['0.69.4'] };

/**
 * docs/checks-tools.md names the sources of each hash and how to raise a version. Releases are locked some weeks after
 * their publication: on 19 March 2026 attackers published a properly signed trivy 0.69.4 (CVE-2026-33634).
 */
export const lock: Readonly<Record<ToolName, LockedTool>> = {
  trivy: {
    version: '0.74.0',
    files: {
      'linux-x64': {
        url: 'https://github.com/aquasecurity/trivy/releases/download/v0.74.0/trivy_0.74.0_Linux-64bit.tar.gz',
        sha256: '2ae6fe3ee734b7fdf11335663e18c75ea12dccc76062f09f164a3b0f8be4371a',
        path: 'trivy',
      },
      'linux-arm64': {
        url: 'https://github.com/aquasecurity/trivy/releases/download/v0.74.0/trivy_0.74.0_Linux-ARM64.tar.gz',
        sha256: 'b94ce1976bbf3c15b514b605ee88be7c6d94a29be2302847ff01cb794d47aad5',
        path: 'trivy',
      },
    },
  },
  trufflehog: {
    version: '3.95.9',
    files: {
      'linux-x64': {
        url: 'https://github.com/trufflesecurity/trufflehog/releases/download/v3.95.9/trufflehog_3.95.9_linux_amd64.tar.gz',
        sha256: 'f6d1106b85107d79527ed7a5b98b592beadd8b770dc3c9e8c1ad99e1b2cf127e',
        path: 'trufflehog',
      },
      'linux-arm64': {
        url: 'https://github.com/trufflesecurity/trufflehog/releases/download/v3.95.9/trufflehog_3.95.9_linux_arm64.tar.gz',
        sha256: '9d9c2ec4ea36a089a9c5aaafe1969d176013ddf9f44d68e8cd75291aed8c83ed',
        path: 'trufflehog',
      },
    },
  },
  hadolint: {
    version: '2.15.1',
    files: {
      'linux-x64': {
        url: 'https://github.com/hadolint/hadolint/releases/download/v2.15.1/hadolint-linux-x86_64',
        sha256: 'c7187db94eeeeca956519a6af171adc31453941a1e777961f6e680f697c8c507',
      },
      'linux-arm64': {
        url: 'https://github.com/hadolint/hadolint/releases/download/v2.15.1/hadolint-linux-arm64',
        sha256: 'f6198ef8090f404dbb771abfee086eb8c48ac177f30da7fd3510aca35b344b5d',
      },
    },
  },
  actionlint: {
    version: '1.7.12',
    files: {
      'linux-x64': {
        url: 'https://github.com/rhysd/actionlint/releases/download/v1.7.12/actionlint_1.7.12_linux_amd64.tar.gz',
        sha256: '8aca8db96f1b94770f1b0d72b6dddcb1ebb8123cb3712530b08cc387b349a3d8',
        path: 'actionlint',
      },
      'linux-arm64': {
        url: 'https://github.com/rhysd/actionlint/releases/download/v1.7.12/actionlint_1.7.12_linux_arm64.tar.gz',
        sha256: '325e971b6ba9bfa504672e29be93c24981eeb1c07576d730e9f7c8805afff0c6',
        path: 'actionlint',
      },
    },
  },
  squawk: {
    version: '2.66.0',
    files: {
      'linux-x64': {
        url: 'https://github.com/sbdchd/squawk/releases/download/v2.66.0/squawk-linux-x64',
        sha256: 'e7965f8146b53cfa7a4625ceecfea5c6aeb35add39132210aa60b11ae180b9f4',
      },
      'linux-arm64': {
        url: 'https://github.com/sbdchd/squawk/releases/download/v2.66.0/squawk-linux-arm64',
        sha256: '04455267bb895de1568dc24e52eb062b311096ad614c3e15a77cf8a7b3483c2a',
      },
    },
  },
};
