import { GateError } from '../errors.ts';
import type { OtherUser } from './other-user.ts';

type Member = Pick<OtherUser, 'name' | 'uid' | 'groups'>;

/**
 * Throws `isolation-unavailable` where the users of head and base are one, or are members of other
 * groups: a group can open a device, such as a GPU, to one side alone. The group of a user's own name
 * does not count.
 */
export const requireAlike = (head: Member, base: Member): void => {
  if (head.uid === base.uid)
    throw new GateError(
      'isolation-unavailable',
      `Code of base was to run as another user than that of head. Expected two users, got ${head.name} and ${base.name}, two names of user ${base.uid}. Name another user.`,
      { where: 'isolation.base-user' },
    );
  for (const [one, other] of [
    [head, base],
    [base, head],
  ] as const) {
    const groups = one.groups.filter((group) => group !== one.name && !other.groups.includes(group));
    if (groups.length > 0)
      throw new GateError(
        'isolation-unavailable',
        `Code of base was to find the same machine as that of head. Expected users of the same groups, got groups that ${one.name} has and ${other.name} lacks: ${groups.join(', ')}. Add ${other.name}: \`sudo usermod --append --groups ${groups.join(',')} ${other.name}\`.`,
        { where: 'isolation.base-user' },
      );
  }
};
