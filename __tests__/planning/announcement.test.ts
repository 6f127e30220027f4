import { describe, expect, it } from 'vitest';
import { type Announcement, planLine, startLine } from '../../src/planning/announcement.ts';
import type { ChangeBase, ChangeEvent } from '../../src/records/event.ts';
import { cell, planOf } from '../gate/fixtures.ts';

const started: Announcement = {
  command: 'run',
  version: '1.2.3',
  started: { kind: 'developer', measures: 'change' },
  base: null,
  platform: 'linux-x64',
  processors: 2,
  node: '24.0.0',
};

const repository = 'https://github.com/octo/models';
const change = (number: number | null, base: ChangeBase): ChangeEvent => ({
  kind: 'change',
  repository,
  number,
  checkout: { kind: 'any' },
  base,
});

describe('the first line', () => {
  it('names the change, what it is judged against, and the machine', () => {
    expect(startLine(started)).toBe('optimization-gate 1.2.3: run for a change; linux-x64, 2 processors, Node 24.0.0');
    const pull = change(12, { kind: 'branch', name: 'main', commit: null, instead: null });
    expect(startLine({ ...started, started: pull, base: '0123456789abcdef0123456789abcdef01234567', processors: 1 })).toBe(
      'optimization-gate 1.2.3: run for pull request #12 against 0123456789ab; linux-x64, 1 processor, Node 24.0.0',
    );
    const group = change(null, { kind: 'commit', commit: 'e'.repeat(40) });
    expect(startLine({ ...started, started: group })).toContain(`a change against ${'e'.repeat(12)};`);
    expect(startLine({ ...started, base: 'origin/main' })).toContain('a change against origin/main;');
  });

  it('calls a run of the default branch so, whatever started it', () => {
    const merged = { kind: 'default-branch', repository, branch: 'main', checkout: { kind: 'any' }, commit: null } as const;
    expect(startLine({ ...started, started: { ...merged, before: 'f'.repeat(40) } })).toContain(
      `run for the default branch against ${'f'.repeat(12)};`,
    );
    const asked = { kind: 'developer', measures: 'default-branch' } as const;
    expect(startLine({ ...started, command: 'update', started: asked })).toContain('update for the default branch;');
  });
});

describe('the line of a plan', () => {
  const plan = planOf([cell('one/pruning', {}), cell('two/pruning', {}), cell('two/other', {})]);

  it('counts what is in it', () => {
    const metrics = plan.cells.reduce((sum, each) => sum + each.metrics.length, 0);
    const models = [1, 2].map((digit) => ({ id: `m-${digit}`, digest: `${digit}`.repeat(64), folder: 'm' }));
    const line = planLine({
      ...plan,
      models,
      head: { commit: 'a'.repeat(40), dirty: true },
      base: { commit: 'b'.repeat(40), dirty: false },
    });
    expect(line).toBe(
      `aaaaaaaaaaaa with uncommitted changes against bbbbbbbbbbbb: 2 models × 2 optimizations, 3 cells, ${metrics} metrics`,
    );
  });

  it('does without a base', () => {
    expect(planLine({ ...plan, models: [], head: { commit: 'a'.repeat(40), dirty: false }, base: null })).toMatch(
      /^aaaaaaaaaaaa: 3 cells, /,
    );
  });
});
