import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { gitEnvironment, placedEnvironment, settingsEnvironment, withEnvironment } from '../../src/repository/git-environment.ts';
import { testFolder } from '../testkit/folder.ts';

const strange = [
  ['filter.plain.smudge', ''],
  ["filter.it's ! here.smudge", 'a "b" \\ c\n\'d\' !e'],
  ['filter.equal.process', 'x=y'],
  ['url.https://a/.insteadof', '  git@a:  '],
] as const;

it('settings come to git as they were written, after those that the job gives', () => {
  const job = { PATH: process.env.PATH ?? '', HOME: testFolder(), GIT_CONFIG_PARAMETERS: "'filter.plain.smudge=of the job'" };
  const environment = { ...withEnvironment(job, settingsEnvironment(strange)), GIT_CONFIG_NOSYSTEM: '1' };
  const listed = execFileSync('git', ['config', '-z', '--get-regexp', '^(filter|url)\\.'], {
    cwd: job.HOME,
    env: environment,
    encoding: 'utf8',
  });
  // A key that holds the sign itself has a form that only releases from 2.31 on know.
  expect(settingsEnvironment([['filter.e=q.smudge', 'x']])).toEqual({ GIT_CONFIG_PARAMETERS: "'filter.e=q.smudge'='x'" });
  expect(listed.split('\0').slice(0, -1)).toEqual([
    'filter.plain.smudge\nof the job',
    ...strange.map(([key, value]) => `${key}\n${value}`),
  ]);
});

it('git gets what finds, reads and fetches a repository; nothing that commands the runner, and nothing that moves what the gate sets', () => {
  const taken = {
    ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'k', GIT_CONFIG_VALUE_0: 'v', GIT_CONFIG_GLOBAL: '/g', XDG_CONFIG_HOME: '/x' },
    ...{ GIT_SSH_COMMAND: 'ssh', SSH_AUTH_SOCK: '/s', GIT_SSL_CAINFO: '/c', https_proxy: 'http://user:secret@proxy', RUNNER_TEMP: '/t' },
    ...{ GIT_DIR: '/d', GIT_WORK_TREE: '/w', PATH: '/bin', HOME: '/home' },
  };
  const left = {
    ...{ GITHUB_TOKEN: 'x', GH_TOKEN: 'x', ACTIONS_RUNTIME_TOKEN: 'x', INPUT_TOKEN: 'x', GITHUB_ENV: '/e' },
    ...{
      GIT_INDEX_FILE: '/i',
      GIT_EXTERNAL_DIFF: 'evil',
      GIT_EXEC_PATH: '/evil',
      GIT_TRACE: '1',
      GIT_REPLACE_REF_BASE: 'x',
      GIT_CONFIG: '/c',
    },
  };
  expect(gitEnvironment({ ...taken, ...left })).toEqual(taken);
});

it('the place of one repository counts inside its working tree, and nowhere else', () => {
  const environment = { PATH: '/bin', GIT_DIR: '/there/git', GIT_WORK_TREE: '/there/files' };
  expect(placedEnvironment(environment, '/there/files/below')).toEqual(environment);
  for (const folder of ['/there', '/there/files-too', '/other']) expect(placedEnvironment(environment, folder)).toEqual({ PATH: '/bin' });
  expect(placedEnvironment({ GIT_WORK_TREE: '/there/files' }, '/there/files')).toEqual({});
  expect(placedEnvironment({ GIT_DIR: 'git' }, process.cwd())).toEqual({
    GIT_DIR: join(process.cwd(), 'git'),
    GIT_WORK_TREE: process.cwd(),
  });
});
