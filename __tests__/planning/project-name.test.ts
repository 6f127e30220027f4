import { describe, expect, it } from 'vitest';
import { projectName } from '../../src/planning/project-name.ts';

describe('projectName', () => {
  it.each([
    ['.', null, 'default', null],
    ['./', 'optimization-gate.yml', 'default', null],
    ['packages/a', null, 'default', 'packages/a'],
    ['packages/a/', './optimization-gate.yml', 'default', 'packages/a'],
    ['.', 'gate/b.yml', 'default', 'gate/b.yml'],
    ['packages/a', 'b.yml', 'gpu', 'packages/a/b.yml, gpu'],
    ['.', null, 'gpu', 'gpu'],
  ])('of %s, %s and %s is %s', (workingDirectory, config, commentKey, name) => {
    expect(projectName({ workingDirectory, config, commentKey })).toBe(name);
  });
});
