import { situations as busyHead } from './busy-head.ts';
import { situations as configuration } from './configuration.ts';
import { situations as configurationRuns } from './configuration-runs.ts';
import { situations as countedFiles } from './counted-files.ts';
import { situations as digest } from './digest.ts';
import { builtInSituations, situations as failedStart } from './failed-start.ts';
import { situations as files } from './files.ts';
import { situations as leftFiles } from './left-files.ts';
import { situations as models } from './models.ts';
import { situations as numbers } from './numbers.ts';
import { situations as onnx } from './onnx.ts';
import { situations as onnxFiles } from './onnx-files.ts';
import { situations as onnxRuns } from './onnx-runs.ts';
import { situations as projects } from './projects.ts';
import { situations as reviewedCommits } from './reviewed-commits.ts';
import { situations as runFolder } from './run-folder.ts';
import { situations as servedCalls } from './served-calls.ts';
import { situations as sharedAddress } from './shared-address.ts';
import { type Kind, kinds, type Situation } from './situation.ts';
import { situations as submodules } from './submodules.ts';
import { situations as treeRuns } from './tree-runs.ts';
import { situations as trees } from './trees.ts';

/** All rows, by the module that they stand in. */
export const topics: Readonly<Record<string, readonly Situation[]>> = {
  'busy-head': busyHead,
  configuration,
  'configuration-runs': configurationRuns,
  'counted-files': countedFiles,
  digest,
  'failed-start': [...failedStart, ...builtInSituations],
  files,
  'left-files': leftFiles,
  models,
  numbers,
  onnx,
  'onnx-files': onnxFiles,
  'onnx-runs': onnxRuns,
  projects,
  'reviewed-commits': reviewedCommits,
  'run-folder': runFolder,
  'served-calls': servedCalls,
  'shared-address': sharedAddress,
  submodules,
  'tree-runs': treeRuns,
  trees,
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const sectionOf = (kind: Kind, rows: readonly Situation[]): string =>
  [
    `## ${kinds[kind]}`,
    '',
    '| What is done | Before | Now | Found as | Runs in |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      ({ example, before, now, source, speed }) =>
        `| ${cell(example)} | ${cell(before)} | ${cell(now)} | ${source} | ${speed === 'fast' ? 'test' : 'acceptance'} |`,
    ),
    '',
  ].join('\n');

/** The table of false verdicts as Markdown, kind by kind. */
export const tableText = (): string => {
  const rows = Object.values(topics).flat();
  const sections = (Object.keys(kinds) as Kind[]).map((kind) =>
    sectionOf(
      kind,
      rows.filter((row) => row.kind === kind),
    ),
  );
  return `# False verdicts\n\nGenerated from the rows in \`__tests__/false-verdicts\`, each of which is a test.\n\n${sections.join('\n')}`;
};
