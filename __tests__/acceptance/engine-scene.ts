import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openScene, type Scene, type SceneOptions } from '../action/scene.ts';
import type { Committed } from '../testkit/git.ts';
import type { ActionRun } from '../testkit/run-action.ts';
import { engineConfiguration } from './engine-configuration.ts';

type Files = Readonly<Record<string, string>>;

/** Answers each round with a size; before its first answer it does what it is told. */
export const engineProgram = (size: number | string, before = ''): string => `import fs from 'node:fs';
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
${before}
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size: ${size} }));
`;

/** A repository whose program `bench.mjs` says a size of 100 on `main`, on a GitHub of its own. */
export interface EngineScene extends Scene {
  /** Runs the pull request of a change with these files, which says 900 unless they bring another program. */
  change(files: Readonly<Record<string, Committed>>, job?: { readonly inputs?: Files; readonly environment?: Files }): Promise<Judged>;
}

/** A job of a pull request. */
export interface Judged {
  readonly run: ActionRun;
  readonly number: number;
}

export const openEngineScene = async (files: Files = {}, options: SceneOptions = {}): Promise<EngineScene> => {
  const first = {
    '.gitignore': '.optimization-gate\nmade\n',
    'optimization-gate.yml': engineConfiguration(),
    'bench.mjs': engineProgram(100),
  };
  const scene = await openScene({ ...first, ...files }, options);
  let number = 0;
  return {
    ...scene,
    change: async (changed, { inputs = {}, environment = {} } = {}) => {
      number += 1;
      const branch = `change-${number}`;
      await scene.commit(branch, 'Change', { 'bench.mjs': engineProgram(900), ...changed });
      return { run: await scene.pullRequest(number, branch, inputs, environment), number };
    },
  };
};

/** Log of a run, without what only a debugging runner shows. */
export const said = ({ stdout, stderr }: ActionRun): string => `${stdout.replace(/^::debug::.*\n/gm, '')}${stderr}`;

/** The only comment on a pull request. */
export const commentOn = (scene: Scene, number: number): string => {
  const found = scene.github.state.comments.filter(({ issue }) => issue === number);
  expect(found).toHaveLength(1);
  return found[0]?.body ?? '';
};

/** Expects what the author of a worse change sees: a failed job, its outputs, and one comment with both sizes. */
export const expectRegressed = (scene: Scene, { run, number }: Judged, sizes = { base: 100, head: 900 }): void => {
  expect(run.code, said(run)).toBe(1);
  expect(run.outputs).toMatchObject({ verdict: 'regressed', 'exit-code': '1', regressions: '1' });
  const { cells } = JSON.parse(readFileSync(run.outputs['report-json'] ?? '', 'utf8'));
  const cell = cells.find(({ optimization }: { readonly optimization: string }) => optimization === 'engine');
  expect(cell.metrics).toMatchObject([{ id: 'size', verdict: 'regressed', ...sizes }]);
  expect(commentOn(scene, number)).toContain('❌ Regressed: size +');
  expect(run.summary).toContain('#### Regressions');
};

/** Markdown as it is read: without what keeps foreign text from being markup. */
const asRead = (markdown: string): string => markdown.replaceAll(/\\([\\`*_~[\]$#])/g, '$1').replaceAll('\u200b', '');

/** Expects what is seen of a run without a verdict: a failed job, its outputs, and the reason in log, summary and the one comment. */
export const expectError = (
  scene: Scene,
  { run, number }: Judged,
  error: { readonly code: string; readonly exit: number; readonly says: RegExp },
): void => {
  expect(run.code, said(run)).toBe(error.exit);
  expect(run.outputs).toEqual({ verdict: 'error', 'exit-code': String(error.exit) });
  const lines = run.commands.filter(({ name }) => name === 'error').map(({ message }) => message);
  expect(lines).toEqual([expect.stringContaining(`error[${error.code}]`)]);
  for (const text of [lines[0] ?? '', asRead(run.summary), asRead(commentOn(scene, number))]) {
    expect(text).toContain(`error[${error.code}]`);
    expect(text).toMatch(error.says);
  }
  expect(existsSync(join(scene.workspace, '.optimization-gate', 'verdict.json'))).toBe(false);
};
