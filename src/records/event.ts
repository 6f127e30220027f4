/** What started a run, and what its host says of the commits that it is about. */

/** Which commit may be checked out when a change is judged. */
export type ReviewedCommit =
  /**
   * `head`, or a merge commit whose second parent is `head`. `merge`: a merge commit that the host
   * itself made of it, null where none is known. `merged`: `merge` is what became of the change on
   * its base branch, whatever its parents.
   */
  | { readonly kind: 'commit'; readonly head: string; readonly merge: string | null; readonly merged: boolean }
  /**
   * The host does not say which commit is under review; one that the base branch already holds is
   * not.
   */
  | { readonly kind: 'off-base' }
  | { readonly kind: 'any' };

/** What a change is compared with. */
export type ChangeBase =
  | { readonly kind: 'commit'; readonly commit: string }
  | {
      readonly kind: 'branch';
      /** Null: the default branch, whose name the host does not say. */
      readonly name: string | null;
      /** Where the branch stood when the event came; null where the host does not say. */
      readonly commit: string | null;
      /**
       * Why this branch stands in for another one, for the reader of the report; null where it is
       * the change's own.
       */
      readonly instead: string | null;
    };

/** A change that a host names. */
export interface ChangeEvent {
  readonly kind: 'change';
  /** Address of the repository that base belongs to, such as `https://github.com/octo/models`. */
  readonly repository: string;
  /** The pull request that is commented on. */
  readonly number: number | null;
  readonly checkout: ReviewedCommit;
  readonly base: ChangeBase;
}

/** A run of the default branch, as far as the checkout bears that out. */
export interface DefaultBranchEvent {
  readonly kind: 'default-branch';
  readonly repository: string;
  /** Null where the host does not say. */
  readonly branch: string | null;
  readonly checkout: ReviewedCommit;
  /** A commit of the branch by the word of the host. */
  readonly commit: string | null;
  /** Where the branch stood before the push; null where there was none. */
  readonly before: string | null;
}

export type HostEvent =
  /** A developer's own run, of which nothing is said. */
  { readonly kind: 'developer'; readonly measures: 'change' | 'default-branch' } | ChangeEvent | DefaultBranchEvent;

/** Whether a commit is under review, whichever it is, and no edit that is not committed. */
export const reviewsCommit = (event: HostEvent): boolean => event.kind !== 'developer' && event.checkout.kind !== 'any';
