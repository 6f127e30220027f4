import type { HostEvent } from '../records/event.ts';
import type { Plan } from '../records/plan.ts';
import type { BaseCommit } from '../repository/base-commit.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';

/** What started the run: what the host says, unless the command line says what is measured. */
export const startedBy = ({ options, host }: CommandContext): HostEvent =>
  options.event === 'auto' ? host.event : { kind: 'developer', measures: options.event };

/** Which commit the checkout is compared with, and what is measured. Throws what `findBase` throws. */
export const comparisonOf = async (context: CommandContext, repository: Repository): Promise<BaseCommit> => {
  const started = context.options.event === 'auto' ? await context.host.completeEvent() : startedBy(context);
  return repository.baseCommit({ event: started, named: context.options.base });
};

/** Whether a host's change is none: its commit is base. A developer's run shows then what the optimizations gain. */
export const isEmptyChange = (context: CommandContext, event: Plan['event'], head: Plan['head'], base: string): boolean =>
  startedBy(context).kind !== 'developer' && event === 'change' && head.commit === base && !head.dirty;
