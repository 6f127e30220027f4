import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { measuring } from '../commands/leak-scene.ts';
import { configuration, copied, copyProgram, type Ended, Project } from '../commands/project.ts';
import { hasLfs } from '../repository/lfs-repository.ts';
import type { ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';
import { falling } from './left-files.ts';
import type { Situation } from './situation.ts';
import { ignored, nineTimes, sized, tables } from './trees.ts';

const shared = { kind: 'shared-copy', before: 'passed', now: 'failed, inputs-leak', source: 'neighbour' } as const;
const alike = { kind: 'same-files', source: 'neighbour' } as const;

const memory = '/dev/shm';
const hasMemory = existsSync(memory) && statSync(memory).dev !== statSync(tmpdir()).dev;

/** Whole runs of the command line. */
const runs: readonly Situation[] = [
  {
    ...alike,
    speed: 'slow',
    available: hasMemory,
    example: 'temporary files lie in another file system than the checkout, such as memory, and the program writes files',
    before: 'three times as many writes: improved; as many: regressed',
    now: 'compared: base is checked out in the file system of head',
    check: async () => {
      const temporary = mkdtempSync(join(memory, 'gate-temporary-'));
      onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
      const project = Project.make();
      project.environment = { TMPDIR: temporary };
      const program = 'import json, os, sys\nfor _ in sys.stdin: print(json.dumps({"size": os.stat(".").st_dev}), flush=True)\n';
      project.commit({ ...ignored, 'bench.py': program, 'optimization-gate.yml': configuration([measured('[bench.py]')]) });
      project.commit({ 'bench.py': `# edited\n${program}` });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 0 });
      expect(project.cell('engine').metrics).toMatchObject([{ verdict: 'passed', base: statSync(project.folder).dev }]);
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a run whose package is found at an absolute path, from 100 to 900 bytes',
    now: 'failed, inputs-leak; with `sys.path` set right, regressed',
    check: async () => {
      const project = Project.make();
      const files = { ...ignored, 'optimization-gate.yml': configuration([measured('[bench.py, src/**]')]) };
      project.commit({ ...files, ...tables(100), 'bench.py': measuring(join(project.folder, 'src')) });
      project.commit(tables(900));
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(project.cell('engine')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining('error[inputs-leak]') });
      project.commit({ ...tables(100), 'bench.py': measuring('src') });
      project.commit(tables(900));
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(project.cell('engine').verdict).toBe('regressed');
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a build that imports head’s copy of a package, and whose own script differs too',
    check: async () => {
      const project = Project.make();
      const there = JSON.stringify(pathToFileURL(join(project.folder, 'level.mjs')).href);
      const entry = copied('own').map((line) => line.replace('[copy.mjs]', '[copy.mjs, level.mjs]'));
      const program = (changed: boolean): string => `import ${there};\n${copyProgram(changed)}`;
      project.commit({ ...ignored, 'copy.mjs': program(false), 'level.mjs': '1;\n', 'optimization-gate.yml': configuration([entry]) });
      project.commit({ 'copy.mjs': program(true), 'level.mjs': '2;\n' });
      expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
      expect(project.cell('own')).toMatchObject({ verdict: 'failed', reason: expect.stringContaining("It ran head's level.mjs") });
    },
  },
  {
    ...shared,
    speed: 'slow',
    example: 'a build keeps what it makes in the temporary folder, and takes it from there',
    before: 'unchanged',
    now: 'compared: each side has a temporary folder of its own',
    check: async () => {
      const project = Project.make();
      const entry = copied('own').map((line) => line.replace('node copy.mjs', 'sh build.sh').replace('[copy.mjs]', '[copy.mjs, build.sh]'));
      const build = 'test -d "$TMPDIR/kept" || { mkdir "$TMPDIR/kept" && node copy.mjs "$1" "$TMPDIR/kept/$(basename "$2")"; }\n';
      const script = `${build}cp "$TMPDIR/kept"/* "$(dirname "$2")"\n`;
      project.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'build.sh': script, 'optimization-gate.yml': configuration([entry]) });
      project.commit({ 'copy.mjs': copyProgram(true, 'kept') });
      await project.gate('--base', 'HEAD~1', '--quick');
      expect(project.cell('own').verdict).toBe('inconclusive');
    },
  },
  {
    kind: 'what-is-run',
    source: 'neighbour',
    speed: 'slow',
    example: 'a library of a build is updated after an earlier run built base, and head brings back what the library did',
    before: 'unchanged',
    now: 'compared with what base makes now',
    check: async () => {
      const project = Project.make();
      const library = join(testFolder(), 'library');
      const reading = `if (own || (await import('node:fs')).readFileSync(${JSON.stringify(library)}, 'utf8') === 'old')`;
      const program = (own: boolean): string => `const own = ${own};\n${copyProgram(false, 'library').replace('if (false)', reading)}`;
      writeFileSync(library, 'old');
      project.commit({ ...ignored, 'copy.mjs': program(false), 'optimization-gate.yml': configuration([copied('own')]) });
      expect(await project.gate('--base', 'HEAD', '--quick')).toMatchObject({ code: 0 });
      writeFileSync(library, 'new');
      project.commit({ 'copy.mjs': program(true) });
      await project.gate('--base', 'HEAD~1', '--quick');
      expect(project.cell('own').verdict).toBe('inconclusive');
    },
  },
  {
    kind: 'what-is-run',
    source: 'neighbour',
    speed: 'slow',
    example: 'a build reads a file that `inputs` do not name, and an earlier run built base; then the run is repeated',
    before: 'unchanged',
    now: 'failed, inputs-leak, each time',
    check: async () => {
      const project = readingLevel();
      expect(await project.gate('--base', 'HEAD', '--quick')).toMatchObject({ code: 0 });
      project.commit({ level: '1' });
      for (const again of [false, true, true]) {
        if (!again) rmSync(project.run, { recursive: true });
        expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({ code: 1 });
        expect(project.cell('own')).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/inputs-leak.*does not name/s) });
      }
    },
  },
  {
    kind: 'what-is-run',
    source: 'neighbour',
    speed: 'slow',
    example: 'a build reads a file that `inputs` do not name, and no earlier run built it',
    before: 'unchanged',
    now: 'failed, inputs-leak; unchanged where the file is the same',
    check: async () => {
      const project = readingLevel();
      project.commit({ level: '1' });
      expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({ code: 1 });
      expect(project.cell('own')).toMatchObject({ verdict: 'failed', reason: expect.stringMatching(/inputs-leak.*does not name/s) });
      const other = readingLevel();
      other.commit({ 'README.md': 'Faster.' });
      expect(await other.gate('--base', 'HEAD~1', '--quick')).toMatchObject({ code: 0 });
    },
  },
  {
    ...alike,
    speed: 'slow',
    before: 'improved',
    now: 'failed, inputs-leak',
    example: 'whole runs, of a measurement and of a build, on a checkout in which an earlier step left what git ignores',
    check: async () => {
      const project = Project.make();
      const reading =
        "if ((await import('node:fs')).existsSync('build/level') && (await import('node:fs')).readFileSync('build/level').length > 0)";
      const copying = (comment: string): string => copyProgram(false, comment).replace('if (false)', reading);
      const files = { ...ignored, 'optimization-gate.yml': configuration([measured('[bench.py]'), copied('own')]) };
      project.commit({ ...files, 'bench.py': falling('build/table.bin'), 'copy.mjs': copying('') });
      project.commit({ 'bench.py': `# Faster.\n${falling('build/table.bin')}`, 'copy.mjs': copying('Smaller.') });
      project.write('build/table.bin', '400');
      project.write('build/level', '1');
      expect(await project.gate('--base', 'HEAD~1', '--quick')).toMatchObject({ code: 1 });
      const leak = (path: string): unknown => expect.stringMatching(new RegExp(`error\\[inputs-leak\\].*It read build/${path}`));
      expect(project.cell('engine')).toMatchObject({ verdict: 'failed', reason: leak('table.bin') });
      expect(project.cell('own')).toMatchObject({ verdict: 'failed', reason: leak('level') });
    },
  },
];

/** A row of the configuration that measures with `bench.py`. */
const measured = (inputs: string): readonly string[] => [
  'engine',
  'measure: python3 bench.py',
  `inputs: ${inputs}`,
  'metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]',
];

const lfsRuns: readonly Situation[] = [
  {
    ...alike,
    speed: 'slow',
    example: 'runs on a checkout of pointers, on one of files, and on one of pointers where the configuration asks for Git LFS',
    before: 'improved, by the size of a pointer; regressed; improved',
    now: 'error, lfs-pointer; regressed; regressed',
    check: async () => {
      const made = nineTimes();
      const entry = configuration([measured('[bench.py, bench/**]')]);
      made.commit({ 'bench/table.bin': sized(5000), 'optimization-gate.yml': entry });
      made.commit({ 'bench/table.bin': sized(45_000) });
      const run = async (checkout: ScratchRepository): Promise<{ readonly ended: Ended; readonly project: Project }> => {
        const project = new Project(checkout.folder);
        return { project, ended: await project.gate('--base', 'HEAD~1') };
      };
      const { ended } = await run(made.cloneOfPointers());
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('error[lfs-pointer] bench/table.bin of head') });
      const files = await run(made.cloneOfFiles());
      expect([files.ended.code, files.project.cell('engine').verdict]).toEqual([1, 'regressed']);
      made.commit({ 'bench/table.bin': sized(5000), 'optimization-gate.yml': `lfs: true\n${entry}` });
      made.commit({ 'bench/table.bin': sized(45_000) });
      const fetched = await run(made.cloneOfPointers());
      expect([fetched.ended.code, fetched.project.cell('engine').verdict]).toEqual([1, 'regressed']);
      expect(fetched.project.git('status', '--porcelain')).toBe('');
    },
  },
];

/** Rows of Git LFS need its program. */
/** A build that does something else where a file that it does not declare says so. */
const readingLevel = (): Project => {
  const project = Project.make();
  const reading = "if (Number((await import('node:fs')).readFileSync('level', 'utf8')) > 0)";
  const program = copyProgram(false, 'undeclared').replace('if (false)', reading);
  project.commit({ ...ignored, 'copy.mjs': program, level: '0', 'optimization-gate.yml': configuration([copied('own')]) });
  return project;
};

export const situations: readonly Situation[] = [...runs, ...lfsRuns.map((row) => ({ ...row, available: hasLfs }))];
