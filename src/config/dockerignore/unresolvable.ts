/**
 * Thrown within the digest where an input can't be known for certain; `treeDigest` gives its message back as the
 * reason to build. It never leaves src/build and this folder.
 */
export class Unresolvable extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Unresolvable';
  }
}
