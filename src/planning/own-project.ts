import type { Plan } from '../records/plan.ts';
import type { CommandContext } from '../run/context.ts';
import { configFile } from './configurations.ts';
import { projectPath } from './project-name.ts';

/** The project of a plan, as its baselines name it, wherever in the repository the command was started. */
export const ownProject = (context: CommandContext, plan: Plan): string | null => projectPath(plan.folders.head, configFile(context));
