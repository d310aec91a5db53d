/**
 * sha256 of the wheels on PyPI (2026-11-21) of the most used tools, for Linux with glibc and musl and for
 * macOS: pip rejects any other file under the same name. Other tools are pinned by version only.
 */
const wheels: Readonly<Record<string, readonly string[]>> = {
  'ruff 0.17.5': [
    '40ca8afaac309b41a5b2e09e4e7beb1f824826b93c25697c4d74f573324fba4e', // linux x64
    '86bd1f3b83c25f9b8055c6e796f0685b39d3127ce947322098c3108cf82fd586', // linux x64, musl
    '6f6a7b138edf9cc402ca736a59d9525e6d766e5395760b72e7e146e6251ac963', // linux arm64
    'f93d2b7d449ed9545304f6923699ca20d13c675b69f258481709a08ae61076db', // linux arm64, musl
    '6f0db748508f04a04e3fbebcc636a5c8b3bd76274f8ed28f497c44d75c2ea2d7', // macOS arm64
  ],
  'uv 0.13.9': [
    'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19', // linux x64
    '2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25', // linux x64, musl
    '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe', // linux arm64, glibc and musl
    '66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63', // macOS arm64
  ],
};
const platforms = ['linux x64', 'linux arm64', 'darwin arm64'];

/** A line of a requirements file for a tool; `isHashed`: pip must reject other hashes. */
export function pinned(
  name: string,
  version: string,
  platform = `${process.platform} ${process.arch}`,
): { readonly line: string; readonly isHashed: boolean } {
  const known = platforms.includes(platform) ? (wheels[`${name} ${version}`] ?? []) : [];
  const hashes = known.map((hash) => ` --hash=sha256:${hash}`);
  return { line: `${name}==${version}${hashes.join('')}`, isHashed: hashes.length > 0 };
}
