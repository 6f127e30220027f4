import { faults as foldersAndLocks } from './folders-and-locks.ts';
import { faults as forgeries } from './forgeries.ts';
import { faults as inputs } from './inputs.ts';
import { type JobFault, type JobPromise, promises } from './job-fault.ts';
import { faults as machines } from './machines.ts';
import { faults as orders } from './orders.ts';
import { faults as outcomes } from './outcomes.ts';
import { faults as repositories } from './repositories.ts';
import { faults as rules } from './rules.ts';

/** All rows. */
export const jobFaults: readonly JobFault[] = [
  ...forgeries,
  ...inputs,
  ...foldersAndLocks,
  ...orders,
  ...outcomes,
  ...rules,
  ...repositories,
  ...machines,
];

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const rowText = ({ what, before, now, source, shownBy: { file, title }, notByAction }: JobFault): string => {
  const action = notByAction === undefined ? 'yes' : `no: ${notByAction}`;
  return `| ${[what, before, now, source, `\`${file}\`: ${title}`, action].map(cell).join(' | ')} |`;
};

const sectionOf = (promise: JobPromise): string =>
  [
    `## ${promises[promise]}`,
    '',
    '| What is done | Before | Now | Found as | Test | Through the action |',
    '| --- | --- | --- | --- | --- | --- |',
    ...jobFaults.filter((row) => row.promise === promise).map(rowText),
  ].join('\n');

const introduction = 'Generated from the rows in `__tests__/job-faults`, each of which names the test that shows it.';

/** The table of attacks and faults as Markdown, promise by promise. */
export const tableText = (): string =>
  `${['# Attacks and faults of a job', introduction, ...(Object.keys(promises) as JobPromise[]).map(sectionOf)].join('\n\n')}\n`;
