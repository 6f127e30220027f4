import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Committed } from '../testkit/git.ts';
import { git } from '../testkit/git.ts';
import { type EngineScene, expectError, expectRegressed, openEngineScene } from './engine-scene.ts';

interface Case {
  readonly what: string;
  readonly says: RegExp;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, Committed>>;
  /** What an earlier step does in the checkout. */
  readonly step?: (workspace: string) => void;
}

const markText = 'The files in this folder are those of optimization-gate, which replaces and removes them.\n';

const cases: readonly Case[] = [
  {
    what: 'the run folder is the checkout',
    inputs: { 'run-dir': '.' },
    says: /\.git, \.gitignore, bench\.mjs and 2 more/,
  },
  { what: 'the run folder holds weights', inputs: { 'run-dir': 'models' }, says: /weights\.bin/ },
  { what: 'the store holds weights', inputs: { store: 'models' }, says: /weights\.bin/ },
  {
    what: 'a change brings the run folder as a link out of the checkout',
    files: { '.optimization-gate': { link: '../outside' } },
    says: /\.optimization-gate is a symbolic link/,
  },
  {
    what: 'a change brings a link on the way to the store',
    inputs: { store: 'kept/store' },
    files: { kept: { link: '../outside' } },
    says: /kept is a symbolic link/,
  },
  {
    what: 'a change brings the run folder with files in it, and with the mark of the gate',
    files: { '.optimization-gate/optimization-gate.txt': markText, '.optimization-gate/samples.jsonl': '' },
    says: /\.optimization-gate\/optimization-gate\.txt, \.optimization-gate\/samples\.jsonl/,
  },
  {
    what: 'an earlier step leaves a link in the run folder',
    step: (workspace) => {
      mkdirSync(join(workspace, '.optimization-gate'));
      writeFileSync(join(workspace, '.optimization-gate', 'optimization-gate.txt'), markText);
      symlinkSync('../models/weights.bin', join(workspace, '.optimization-gate', 'samples.jsonl'));
    },
    says: /samples\.jsonl in it is a symbolic link/,
  },
];

describe('a folder that is not the gate’s own', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene({ '.gitignore': '.optimization-gate\n*.bin\n' });
  });
  afterAll(() => scene?.close());

  const outside = (): string => join(dirname(scene.workspace), 'outside');

  /** Weights that no commit has, in the checkout and beside it. */
  const prepare = (more: (workspace: string) => void = () => {}): void =>
    scene.step((workspace) => {
      for (const folder of [join(workspace, 'models'), outside()]) {
        mkdirSync(folder);
        writeFileSync(join(folder, 'weights.bin'), 'precious');
      }
      more(workspace);
    });

  it.each(cases)('is refused and stays as it is: $what', async ({ says, inputs = {}, files = {}, step }) => {
    prepare(step);
    const judged = await scene.change(files, { inputs });
    expectError(scene, judged, { code: 'folder-refused', exit: 2, says });
    for (const folder of [join(scene.workspace, 'models'), outside()]) {
      expect(readdirSync(folder)).toEqual(['weights.bin']);
      expect(readFileSync(join(folder, 'weights.bin'), 'utf8')).toBe('precious');
    }
    expect(await git(scene.workspace, ['status', '--porcelain'])).toBe('');
  });

  it('is none that was absent, and another one that is named beside it', async () => {
    prepare();
    const judged = await scene.change({}, { inputs: { 'run-dir': 'out/run', store: join(dirname(scene.workspace), 'store') } });
    expectRegressed(scene, judged);
    expect(existsSync(join(scene.workspace, 'out', 'run', 'samples.jsonl'))).toBe(true);
    expect(await git(scene.workspace, ['status', '--porcelain'])).toBe('');
    expect(readdirSync(outside())).toEqual(['weights.bin']);
  });
});
