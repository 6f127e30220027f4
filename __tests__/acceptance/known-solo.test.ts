import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEnergyMeter } from '../../src/telemetry/rapl.ts';
import { configuration, copied, copyProgram, Project } from '../commands/project.ts';

describe('a second run', () => {
  it.skipIf(openEnergyMeter() !== null)(
    'says the same of the memory of what it does not compare',
    async () => {
      const project = Project.make();
      project.commit({
        '.gitignore': '.optimization-gate*\n',
        'copy.mjs': copyProgram(false),
        'optimization-gate.yml': configuration([copied('own')]),
      });
      await project.gate('--base', 'HEAD');
      await project.gate('--base', 'HEAD', '--run-dir', '.optimization-gate-2');
      const soloOf = (folder: string) =>
        project
          .samples(join(project.folder, folder, 'samples.jsonl'))
          .launches.filter(({ purpose }) => purpose === 'solo')
          .map(({ id, points, process: facts }) => ({
            id,
            values: Object.values(points).map(({ values }) => values),
            measured: facts !== null,
          }))
          .toSorted((a, b) => a.id.localeCompare(b.id));
      const [first, second] = [soloOf('.optimization-gate'), soloOf('.optimization-gate-2')];
      expect(first.map(({ measured }) => measured)).toEqual([true, true]);
      expect(second).toEqual(first.map((launch) => ({ ...launch, measured: false })));
    },
    300_000,
  );
});
