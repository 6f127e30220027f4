import { GateError } from '../errors.ts';
import type { ReviewedCommit } from '../records/event.ts';

/** The commit that is checked out, with its parents. */
export interface CheckedOutCommit {
  readonly commit: string;
  readonly parents: readonly string[];
}

/**
 * Whether this is a merge of the commit under review into something else, as hosts make them: two
 * parents, that commit second.
 */
export const isMergeOf = ({ parents }: CheckedOutCommit, head: string): boolean => parents.length === 2 && parents[1] === head;

/** Throws `checkout-mismatch` where a commit is checked out that is not the one under review. */
export const requireCheckout = (checkout: ReviewedCommit, checkedOut: CheckedOutCommit): void => {
  if (checkout.kind !== 'commit' || checkedOut.commit === checkout.head || isMergeOf(checkedOut, checkout.head)) return;
  if (checkout.merged && checkedOut.commit === checkout.merge) return;
  throw new GateError(
    'checkout-mismatch',
    `The checkout was held against the event. Expected commit ${checkout.head}, or a merge commit with it as the second parent, got ${checkedOut.commit}.`,
    { where: 'checkout' },
  );
};
