import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { git } from '../testkit/git.ts';
import { startGitServer } from '../testkit/git-http.ts';
import type { Loopback } from '../testkit/http.ts';
import { forgetHistory, moveRemote } from './checkout.ts';
import { type EngineScene, expectError, expectRegressed, openEngineScene } from './engine-scene.ts';

const place = 'https://nowhere.example/octo/models';

describe('a job whose git accepts the repository', { timeout: 300_000 }, () => {
  let scene: EngineScene;
  let server: Loopback;
  const authorization = `basic ${Buffer.from('x-access-token:secret').toString('base64')}`;
  const root = (): string => join(scene.workspace, '..', '..', '..');
  const header = (): readonly [string, string] => [`http.${server.url}/.extraheader`, `AUTHORIZATION: ${authorization}`];

  beforeAll(async () => {
    scene = await openEngineScene();
    server = await startGitServer(root(), authorization);
  });
  afterAll(async () => {
    await server?.close();
    await scene?.close();
  });

  /** The checkout step leaves no history: base has to be fetched from this address. */
  const shallow = async (workspace: string, address: string): Promise<void> => {
    await forgetHistory(workspace);
    await moveRemote(workspace, address);
  };
  const counted = (key: string, value: string) => ({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: value });
  const configured = (text: string): string => {
    const file = join(root(), 'job.gitconfig');
    writeFileSync(file, text);
    return file;
  };

  /** What git itself is told of a server or a folder: variables of the job, and what the checkout step adds to `step`. */
  interface Way {
    readonly step: (workspace: string) => unknown;
    readonly added?: (workspace: string) => Promise<unknown>;
    readonly variables?: () => Readonly<Record<string, string>>;
    readonly code: string;
    readonly exit: number;
    readonly says: RegExp;
    readonly available?: boolean;
  }
  const withoutHistory = { code: 'shallow-clone', exit: 3, says: /fetch-depth: 0/ };
  const fromServer = { step: (workspace: string) => shallow(workspace, `${server.url}/origin.git`), ...withoutHistory };
  const fromNowhere = { step: (workspace: string) => shallow(workspace, place), ...withoutHistory };
  const origin = (): string => `url.file://${join(root(), 'origin.git')}`;

  const ways: Readonly<Record<string, Way>> = {
    'settings in GIT_CONFIG_COUNT': { ...fromNowhere, variables: () => counted(`${origin()}.insteadOf`, place) },
    'a file in GIT_CONFIG_GLOBAL': {
      ...fromNowhere,
      variables: () => ({ GIT_CONFIG_GLOBAL: configured(`[${origin().replace('.', ' "')}"]\n\tinsteadOf = ${place}\n`) }),
    },
    'credentials as releases 2 to 5 of the checkout action leave them: a header in .git/config': {
      ...fromServer,
      added: (workspace) => git(workspace, ['config', ...header()]),
    },
    'credentials as release 6 leaves them: a file that .git/config includes': {
      ...fromServer,
      added: async (workspace) => {
        const file = configured('');
        await git(root(), ['config', '--file', file, ...header()]);
        for (const folder of [join(workspace, '.git'), join(workspace, '.git/worktrees/*')])
          await git(workspace, ['config', `includeIf.gitdir:${folder}.path`, file]);
      },
    },
    'credentials in the environment, where a step put them': { ...fromServer, variables: () => counted(...header()) },
    'a checkout of another user that safe.directory names': {
      step: (workspace) => execFileSync('chown', ['-R', '12345', workspace]),
      variables: () => counted('safe.directory', scene.workspace),
      code: 'git-failed',
      exit: 2,
      says: /safe\.directory/,
      // Only the superuser may give files away.
      available: process.getuid?.() === 0,
    },
  };

  it.each(Object.entries(ways).filter(([, { available = true }]) => available))(
    'is judged where git is given %s',
    async (_, { step, added = async () => {}, variables = () => ({}), ...error }) => {
      scene.step(step);
      expectError(scene, await scene.change({}), error);
      scene.step(async (workspace) => {
        await step(workspace);
        await added(workspace);
      });
      expectRegressed(scene, await scene.change({}, { environment: variables() }));
    },
  );
});
