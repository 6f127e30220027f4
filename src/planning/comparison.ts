import { GateError } from '../errors.ts';
import type { HostEvent } from '../records/event.ts';
import type { Plan } from '../records/plan.ts';
import type { BaseCommit } from '../repository/base-commit.ts';
import { openRepository, type Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';

/** What started the run: what the host says, unless the command line says what is measured. */
export const startedBy = ({ options, host }: CommandContext): HostEvent =>
  options.event === 'auto' ? host.event : { kind: 'developer', measures: options.event };

/** The same with what the host says when it is asked. */
const completed = async (context: CommandContext): Promise<HostEvent> =>
  context.options.event === 'auto' ? context.host.completeEvent() : startedBy(context);

export interface Comparison extends BaseCommit {
  /**
   * The commit under review by the word of the host: it, or a merge commit of it, is checked out.
   * Null where the host names none.
   */
  readonly reviewed: string | null;
}

/**
 * Which commit the checkout is compared with, and what is measured. Throws what `findBase` throws.
 */
export const comparisonOf = async (context: CommandContext, repository: Repository): Promise<Comparison> => {
  const event = await completed(context);
  const found = await repository.baseCommit({ event, named: context.options.base });
  return { ...found, reviewed: reviewedCommit(event) };
};

const reviewedCommit = (event: HostEvent): string | null =>
  event.kind !== 'developer' && event.checkout.kind === 'commit' ? event.checkout.head : null;

/**
 * Throws `run-mismatch` where the plan is of another commit than the event's: its verdict would be
 * shown as this one's.
 */
export const requireReviewed = async (context: CommandContext, plan: Plan, where: string): Promise<void> => {
  const reviewed = reviewedCommit(await completed(context));
  if (reviewed === null || plan.head.commit === reviewed || plan.reviewed === reviewed) return;
  throw new GateError(
    'run-mismatch',
    `The plan of the run folder was held against the event. Expected one of commit ${reviewed}, got one of ${plan.head.commit}.`,
    {
      where,
    },
  );
};

/**
 * Throws `checkout-mismatch` where another commit than the planned one is checked out: head would
 * be made from it.
 */
export const requirePlannedCheckout = async (context: CommandContext, plan: Plan): Promise<void> => {
  const { commit } = await (await openRepository(context.root)).headRevision();
  if (commit === plan.head.commit) return;
  throw new GateError('checkout-mismatch', `The checkout was held against the plan. Expected commit ${plan.head.commit}, got ${commit}.`, {
    where: 'checkout',
  });
};

/**
 * Whether a host's change is none: its commit is base. A developer's run shows then what the
 * optimizations gain.
 */
export const isEmptyChange = (context: CommandContext, event: Plan['event'], head: Plan['head'], base: string): boolean =>
  startedBy(context).kind !== 'developer' && event === 'change' && head.commit === base && !head.dirty;
