/** What a file says of the version of onnxruntime-node that is installed. */
export interface NamedVersion {
  /** A version, a range, a tag, or an address. */
  readonly spec: string;
  /** What else tells one content of that name from another: a digest, a commit. Null where nothing does. */
  readonly detail: string | null;
  /** The file that says it. */
  readonly path: string;
}

/** What head's files say otherwise than base's: the first file, and either side's words. */
export interface NamedDifference {
  readonly file: string;
  readonly base: string;
  readonly head: string;
}

export const library = 'onnxruntime-node';

const isSame = (one: NamedVersion, other: NamedVersion): boolean =>
  one.spec === other.spec && (one.detail === null || other.detail === null || one.detail === other.detail);

const missingIn = (others: readonly NamedVersion[], one: readonly NamedVersion[]): readonly NamedVersion[] =>
  one.filter((each) => !others.some((other) => isSame(each, other)));

/** Specs, each once, short enough for a sentence. */
export const specsOf = (named: readonly NamedVersion[]): string => {
  const specs = [...new Set(named.map(({ spec }) => spec))].sort();
  return specs.length === 0 ? 'no version' : `${specs.slice(0, 4).join(', ')}${specs.length > 4 ? ', …' : ''}`;
};

const shown = (named: readonly NamedVersion[], withDetail: boolean): string =>
  withDetail
    ? specsOf(named.map((each) => ({ ...each, spec: `${each.spec} (${each.detail?.slice(0, 19) ?? 'no digest'})` })))
    : specsOf(named);

/** The first file in which two sides name another version; null where they name the same. */
export const namedDifference = (base: readonly NamedVersion[], head: readonly NamedVersion[]): NamedDifference | null => {
  const [was, is] = [missingIn(head, base), missingIn(base, head)];
  const file = (is[0] ?? was[0])?.path;
  if (file === undefined) return null;
  const inFile = (named: readonly NamedVersion[], differing: readonly NamedVersion[]): readonly NamedVersion[] => {
    const own = differing.filter(({ path }) => path === file);
    if (own.length > 0) return own;
    const same = named.filter(({ path }) => path === file);
    if (same.length > 0) return same;
    return differing.length > 0 ? differing : named;
  };
  const [inBase, inHead] = [inFile(base, was), inFile(head, is)];
  const withDetail = specsOf(inBase) === specsOf(inHead);
  return { file, base: shown(inBase, withDetail), head: shown(inHead, withDetail) };
};
