import { describe, expect, it } from 'vitest';
import { storedBuildKey } from '../../src/building/stored-build.ts';
import { GateError } from '../../src/errors.ts';
import { storeKeys } from '../../src/launching/cache-keys.ts';
import { faultOf } from '../../src/run/machine-fault.ts';
import { configuration, copied, copyProgram, Project, varyingProgram } from '../commands/project.ts';

const ignored = { '.gitignore': '.optimization-gate*\nside.txt\n' };
/** Builds are made and settled, nothing is measured. */
const spent = 'budget: { minutes: 0.00001 }';

describe('what a build is known by', () => {
  it('takes in what setup installs, for code of one’s own and not for built-ins', async () => {
    const project = Project.make();
    const files = { ...ignored, 'copy.mjs': copyProgram(false) };
    const entries = [copied('own'), ['structured-pruning']];
    project.commit({ ...files, 'optimization-gate.yml': configuration(entries, ['setup: node --version']) });
    project.commit({ 'optimization-gate.yml': configuration(entries, ['setup: node --help']) });
    expect(await project.gate('plan', '--base', 'HEAD~1')).toMatchObject({ code: 0 });
    const keys = (optimization: string) =>
      project
        .plan()
        .builds.filter(({ cell }) => cell.endsWith(`/${optimization}`))
        .map(({ key, subject }) => `${key} ${subject.code}`);
    expect(new Set(keys('own')).size).toBe(2);
    expect(keys('structured-pruning')).toHaveLength(2);
    expect(new Set(keys('structured-pruning')).size).toBe(1);
  });

  it('takes in the processor and the version of ONNX Runtime, and so does the cache', () => {
    const key = 'a'.repeat(64);
    const known = storedBuildKey(key, 'one processor', '1.30.0');
    expect(storedBuildKey(key, 'one processor', '1.30.0')).toBe(known);
    expect(storedBuildKey(key, 'another', '1.30.0')).not.toBe(known);
    expect(storedBuildKey(key, 'one processor', '1.31.0')).not.toBe(known);
    const session = { digest: key, ort: '1.30.0', provider: 'cpu', threads: 1, session: null, serving: key };
    const plan = { models: [], builds: [], cells: [], runtime: session, folders: { head: '', base: '' } };
    const keys = (changed: Partial<typeof plan> = {}, cpu = 'one processor') => storeKeys({ ...plan, ...changed }, 'changes-7', cpu);
    expect(keys()).toEqual(keys());
    expect(keys().plan.startsWith(keys().newest)).toBe(true);
    expect(keys({}, 'another').newest).not.toBe(keys().newest);
    expect(keys({ runtime: { ...session, ort: '1.31.0' } }).newest).not.toBe(keys().newest);
    expect(keys({ folders: { head: 'other', base: '' } }).newest).not.toBe(keys().newest);
    for (const owner of ['default-branch', 'changes-8', 'changes-77'])
      expect(storeKeys(plan, owner, 'one processor').newest.startsWith(keys().newest)).toBe(false);
    // Another version of the benchmark measures memory anew: that is kept under a key of its own, beside the same builds.
    const rebenched = keys({ runtime: { ...session, serving: 'b'.repeat(64) } });
    expect([rebenched.plan === keys().plan, rebenched.newest]).toEqual([false, keys().newest]);
  });
});

describe('a build of new code, on a machine that has never seen it', () => {
  it('is made twice, and fails where it varies', async () => {
    const project = Project.make();
    project.commit({ ...ignored, 'copy.mjs': copyProgram(false), 'optimization-gate.yml': configuration([copied('own')], [spent]) });
    project.commit({ 'copy.mjs': varyingProgram });
    expect(await project.gate('--base', 'HEAD~1')).toMatchObject({ code: 1 });
    const { builds } = project.plan();
    const lineOf = (arm: string) => project.samples().built.get(builds.find((build) => build.arm === arm)?.key ?? '');
    expect(lineOf('head')).toMatchObject({ status: 'failed', error: { code: 'build-not-deterministic', arm: 'head' } });
    expect(lineOf('base')).toMatchObject({ status: 'built', repeatSeconds: null });
  });
});

describe('what failed', () => {
  it('for want of what the machine needs ends the run, and is held against nobody', async () => {
    const project = Project.make();
    project.commit({
      ...ignored,
      'copy.mjs': copyProgram(false),
      'optimization-gate.yml': configuration([copied('own')], ['setup: node nowhere.mjs', spent]),
    });
    const { code, stderr } = await project.gate('--base', 'HEAD');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/error\[setup-failed\] setup of head.*nowhere\.mjs/s),
    });
    expect(project.samples().built.size).toBe(0);
    expect(() => faultOf(new GateError('disk-full', 'full'))).toThrow('full');
    expect(faultOf(new Error('broken'))).toMatchObject({ code: 'internal', message: 'broken' });
  });
});
