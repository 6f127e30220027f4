import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openRepository, type Repository } from '../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from '../repository/scratch-repository.ts';
import { startGitServer } from '../testkit/git-http.ts';
import type { Loopback } from '../testkit/http.ts';

type Environment = Readonly<Record<string, string>>;

afterAll(removeRoot);

const open = (folder: string, more: Environment = {}): Promise<Repository> =>
  openRepository(folder, { environment: { ...environment, ...more }, temporary: root });

/** A change of `a` on top of base; the checkout is shallow, so that base has to be fetched. */
const origin = ScratchRepository.create();
const base = origin.commit({ a: 'old', 'folder/b': 'old' });
const head = origin.commit({ a: 'new' });
origin.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
origin.git('config', 'uploadpack.allowFilter', 'true');

const shallow = (address: string): ScratchRepository => {
  const scratch = origin.clone('--depth=1');
  scratch.git('config', 'remote.origin.url', address);
  return scratch;
};

const expectBase = async (repository: Repository): Promise<void> => {
  expect(await repository.headRevision()).toEqual({ commit: head, dirty: false });
  const worktree = await repository.worktree(base);
  onTestFinished(() => worktree.release());
  expect(readFileSync(join(worktree.folder, 'a'), 'utf8')).toBe('old');
  expect(await repository.textsAt(base, ['a', 'folder/b'])).toEqual(['old', 'old']);
  expect(await repository.changedFiles(base)).toEqual(['a']);
};

/** What a step of the job writes into a file of configuration. */
const configured = (text: string): string => {
  const path = join(mkdtempSync(join(root, 'configuration-')), 'config');
  writeFileSync(path, text);
  return path;
};
const rewrite = `[url "file://${origin.folder}"]\n\tinsteadOf = https://nowhere.example/octo/models\n`;
const place = 'https://nowhere.example/octo/models';

describe('the configuration of the job', () => {
  const key = `url.file://${origin.folder}.insteadOf`;
  it.each<readonly [string, () => Environment]>([
    ['GIT_CONFIG_COUNT', () => ({ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: key, GIT_CONFIG_VALUE_0: place })],
    ['GIT_CONFIG_PARAMETERS', () => ({ GIT_CONFIG_PARAMETERS: `'${key}=${place}'` })],
    ['GIT_CONFIG_GLOBAL', () => ({ GIT_CONFIG_GLOBAL: configured(rewrite) })],
    ['GIT_CONFIG_SYSTEM', () => ({ GIT_CONFIG_SYSTEM: configured(rewrite) })],
    [
      'XDG_CONFIG_HOME',
      () => {
        const home = mkdtempSync(join(root, 'home-'));
        mkdirSync(join(home, 'git'));
        writeFileSync(join(home, 'git/config'), rewrite);
        return { XDG_CONFIG_HOME: home };
      },
    ],
  ])('by %s counts where base is fetched', async (_, made) => {
    const { folder } = shallow(place);
    await expect((await open(folder)).worktree(base)).rejects.toMatchObject({ code: 'shallow-clone' });
    await expectBase(await open(folder, made()));
  });

  it('starts no program while base is checked out: no hook, no filter, no monitor, wherever they are configured', async () => {
    const scratch = origin.clone();
    const ran = join(scratch.folder, '..', 'ran');
    const evil = join(mkdtempSync(join(root, 'evil-')), 'run');
    writeFileSync(evil, `#!/bin/sh\ntouch ${ran}\ncat\n`, { mode: 0o755 });
    mkdirSync(join(scratch.folder, '.git/info'), { recursive: true });
    writeFileSync(join(scratch.folder, '.git/info/attributes'), '* filter=evil\nb filter=e=vil\n');
    const settings = [
      ['filter.evil.smudge', evil],
      ['filter.e=vil.smudge', evil],
      ['filter.evil.required', 'true'],
      ['core.fsmonitor', evil],
      ['core.hooksPath', dirname(evil)],
    ] as const;
    const counted = Object.fromEntries([
      ['GIT_CONFIG_COUNT', String(settings.length)],
      ...settings.flatMap(([name, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ]) as Environment;
    const worktree = await (await open(scratch.folder, counted)).worktree(base);
    onTestFinished(() => worktree.release());
    expect(readFileSync(join(worktree.folder, 'a'), 'utf8')).toBe('old');
    expect(existsSync(ran)).toBe(false);
    execFileSync('git', ['checkout', '--quiet', base, '--', 'a'], {
      cwd: scratch.folder,
      env: { ...environment, ...counted },
      stdio: 'pipe',
    });
    expect(existsSync(ran)).toBe(true);
    rmSync(ran);
  });
});

describe.skipIf(process.getuid?.() !== 0)('a checkout of another user', () => {
  it('is refused as git refuses it, and taken where git is told that it is safe', async () => {
    const { folder } = origin.clone();
    execFileSync('chown', ['-R', '12345', folder]);
    await expect(open(folder)).rejects.toMatchObject({ code: 'git-failed', message: expect.stringContaining('safe.directory') });
    await expectBase(await open(folder, { GIT_CONFIG_GLOBAL: configured(`[safe]\n\tdirectory = ${folder}\n`) }));
    await expectBase(await open(folder, { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: folder }));
  });
});

describe('a clone without all objects', () => {
  it.each(['blob:none', 'tree:0'])('(%s) gets those of base when they are read', async (filter) => {
    const { folder } = origin.clone(`--filter=${filter}`, '--no-checkout');
    execFileSync('git', ['checkout', '--quiet', 'main'], { cwd: folder, env: environment });
    await expectBase(await open(folder));
  });

  it('has a sparse working tree', async () => {
    const scratch = origin.clone('--filter=blob:none', '--sparse');
    await expectBase(await open(scratch.folder));
  });
});

describe('a repository that lies elsewhere than its files', () => {
  it('a linked worktree, and a file .git that names the folder', async () => {
    const scratch = origin.clone();
    const linked = join(mkdtempSync(join(root, 'linked-')), 'tree');
    scratch.git('worktree', 'add', '--quiet', '--detach', linked, head);
    await expectBase(await open(linked));
    const apart = origin.clone(`--separate-git-dir=${join(mkdtempSync(join(root, 'apart-')), 'git')}`);
    await expectBase(await open(apart.folder));
  });

  it('GIT_DIR and GIT_WORK_TREE count in that working tree, and hide no other repository', async () => {
    const scratch = origin.clone();
    const elsewhere = join(mkdtempSync(join(root, 'elsewhere-')), 'git');
    execFileSync('mv', [join(scratch.folder, '.git'), elsewhere]);
    const placed = { GIT_DIR: elsewhere, GIT_WORK_TREE: scratch.folder };
    await expect(open(scratch.folder)).rejects.toMatchObject({ code: 'not-a-repository' });
    await expectBase(await open(scratch.folder, placed));
    const other = ScratchRepository.create();
    const own = other.commit({ c: '1' });
    expect(await (await open(other.folder, placed)).headRevision()).toEqual({ commit: own, dirty: false });
  });
});

describe('credentials of the checkout action', () => {
  let server: Loopback;
  const authorization = `basic ${Buffer.from('x-access-token:secret').toString('base64')}`;
  beforeAll(async () => {
    server = await startGitServer(dirname(origin.folder), authorization);
  });
  afterAll(() => server?.close());
  const address = (): string => `${server.url}/${origin.folder.split('/').at(-1)}`;
  const header = (): readonly [string, string] => [`http.${server.url}/.extraheader`, `AUTHORIZATION: ${authorization}`];

  it('none: what git says of the server is what the error says', async () => {
    await expect((await open(shallow(address()).folder)).worktree(base)).rejects.toMatchObject({ code: 'shallow-clone' });
  });

  it('releases 2 to 5: a header in .git/config', async () => {
    const scratch = shallow(address());
    scratch.git('config', ...header());
    await expectBase(await open(scratch.folder));
  });

  it('release 6: a file below RUNNER_TEMP that .git/config includes for this repository and its worktrees', async () => {
    const scratch = shallow(address());
    const [name, value] = header();
    const credentials = configured('');
    execFileSync('git', ['config', '--file', credentials, name, value]);
    for (const directory of [join(scratch.folder, '.git'), join(scratch.folder, '.git/worktrees/*')])
      scratch.git('config', `includeIf.gitdir:${directory}.path`, credentials);
    await expectBase(await open(scratch.folder));
  });

  it('reach the server of a submodule that only base has', async () => {
    const library = ScratchRepository.create();
    library.commit({ 'lib.py': 'SIZE = 100\n' });
    const project = ScratchRepository.create();
    const [name, value] = header();
    // The server runs in this process: nothing may wait for it here.
    project.git('submodule', '--quiet', 'add', library.folder, 'vendor/lib');
    project.git('config', '--file', '.gitmodules', 'submodule.vendor/lib.url', `${server.url}/${library.folder.split('/').at(-1)}`);
    const pinning = project.commit({ a: 'old' });
    project.git('rm', '--quiet', 'vendor/lib');
    project.commit({ a: 'new' });
    const clone = (): ScratchRepository => project.clone();
    const needed = { declared: ['vendor/**'], possible: [], lfs: false };
    await expect((await open(clone().folder)).worktree(pinning, needed)).rejects.toMatchObject({ code: 'submodule-missing' });
    const [old, new6] = [clone(), clone()];
    old.git('config', name, value);
    const credentials = configured('');
    execFileSync('git', ['config', '--file', credentials, name, value]);
    new6.git('config', `includeIf.gitdir:${join(new6.folder, '.git')}.path`, credentials);
    for (const { folder } of [old, new6]) {
      const worktree = await (await open(folder)).worktree(pinning, needed);
      onTestFinished(() => worktree.release());
      expect(readFileSync(join(worktree.folder, 'vendor/lib/lib.py'), 'utf8')).toBe('SIZE = 100\n');
    }
  });

  it('in the environment, where a step put them', async () => {
    const [name, value] = header();
    await expectBase(await open(shallow(address()).folder, { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: name, GIT_CONFIG_VALUE_0: value }));
  });

  it('a key for SSH: core.sshCommand, which names its files by RUNNER_TEMP', async () => {
    const temporary = mkdtempSync(join(root, 'runner-'));
    writeFileSync(join(temporary, 'key'), 'secret');
    // What comes last is the command for the server.
    const ssh = join(temporary, 'ssh');
    writeFileSync(ssh, '#!/bin/sh\nshift\ngrep -q secret "$1" || exit 255\nfor last; do :; done\nexec sh -c "$last"\n', { mode: 0o755 });
    const scratch = shallow(`ssh://git@host.example${origin.folder}`);
    scratch.git('config', 'core.sshCommand', `"${ssh}" -i "$RUNNER_TEMP/key"`);
    scratch.git('config', 'ssh.variant', 'ssh');
    await expect((await open(scratch.folder)).worktree(base)).rejects.toMatchObject({ code: 'shallow-clone' });
    await expectBase(await open(scratch.folder, { RUNNER_TEMP: temporary }));
  });
});
