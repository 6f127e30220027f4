import { describe, expect, it } from 'vitest';
import { removesGate, requireOwnPlace } from '../../src/planning/own-install.ts';

const inProject = { packageRoot: '/home/u/app/node_modules/optimization-gate', repository: '/home/u/app', folder: '' };

describe('a setup that removes the gate', () => {
  it.each(['npm ci', 'npm ci --ignore-scripts', 'cd web && npm --prefix . ci', 'npm clean-install'])(
    '%s in the project that it is installed in',
    (setup) => {
      expect(removesGate(setup, inProject)).toBe(true);
      expect(() => requireOwnPlace(setup, inProject)).toThrow(expect.objectContaining({ code: 'gate-in-project', where: 'setup' }));
    },
  );

  it.each([
    ['npm install', inProject],
    ['python3 -m venv .venv', inProject],
    ['npm run circle', inProject],
    [null, inProject],
    ['npm ci', { ...inProject, packageRoot: '/home/u/optimization-gate/node_modules/optimization-gate' }],
    ['npm ci', { ...inProject, packageRoot: '/home/u/app' }],
    ['npm ci', { ...inProject, packageRoot: '/home/u/app/tools/node_modules/optimization-gate', folder: 'web' }],
  ])('is not %s where nothing of it is removed', (setup, place) => {
    expect(removesGate(setup, place)).toBe(false);
    expect(() => requireOwnPlace(setup, place)).not.toThrow();
  });

  it('is one in a member of the workspace that it is installed in', () => {
    expect(removesGate('npm ci', { ...inProject, folder: 'packages/web' })).toBe(true);
  });
});
