import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { manifestVersions } from '../../../src/planning/named-runtime/manifest-versions.ts';
import { namedDifference } from '../../../src/planning/named-runtime/named-version.ts';
import { textBehind } from '../../../src/repository/on-disk.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { environment, removeRoot, root, ScratchRepository } from '../../repository/scratch-repository.ts';

afterAll(removeRoot);

type Files = Readonly<Record<string, string>>;

const scratch = ScratchRepository.create();
scratch.commit({ '.gitignore': '' });

/** Where the commit of base and the files on disk name other versions, in words. */
const compared = async (files: Files, edit: Files, folder = '.'): Promise<string | null> => {
  for (const path of scratch.git('ls-files').split('\n')) rmSync(join(scratch.folder, path));
  const base = scratch.commit({ '.gitignore': 'node_modules\nignored\n', ...files });
  for (const [path, text] of Object.entries(edit)) scratch.write(path, text);
  const repository = await openRepository(scratch.folder, { environment, temporary: root });
  const named = await manifestVersions(
    repository,
    { commit: base, tree: { commit: base }, read: (paths) => repository.textsAt(base, paths, 1e6) },
    { commit: base, tree: 'working-tree', read: async (paths) => paths.map((path) => textBehind(join(scratch.folder, path))) },
    folder,
  );
  const difference = namedDifference(named.base, named.head);
  scratch.git('add', '--all');
  return difference === null ? null : `${difference.base} → ${difference.head} in ${difference.file}`;
};

const needs = (spec: string, section = 'dependencies'): string => JSON.stringify({ [section]: { 'onnxruntime-node': spec } });
const workspace = JSON.stringify({ private: true, workspaces: ['packages/*'] });
const lock = (version: string, more: object = {}): string =>
  JSON.stringify({ packages: { 'node_modules/onnxruntime-node': { version, ...more } } });
const manifest = 'package.json';
const locked = 'package-lock.json';

type Row = readonly [name: string, files: Files, edit: Files, words: string, folder?: string];

describe('another version is seen', () => {
  const rows: readonly Row[] = [
    ...(
      [
        ['1.29.0', '1.30.0'],
        ['~1.29', '~1.30'],
        ['1.29.x', '1.30.x'],
        ['^1', '^2'],
        ['1.29', '1.30'],
        ['latest', 'next'],
        ['file:vendor/ort-1.29.tgz', 'file:vendor/ort-1.30.tgz'],
        ['npm:@fork/ort@1.29.0', 'npm:@fork/ort@1.30.0'],
        ['git+https://host/ort.git#v1', 'git+https://host/ort.git#v2'],
      ] as const
    ).map(
      ([was, is]) => [`${was} to ${is}`, { [manifest]: needs(was) }, { [manifest]: needs(is) }, `${was} → ${is} in package.json`] as const,
    ),
    [
      'in a member of a workspace',
      { [manifest]: workspace, 'packages/a/package.json': needs('1.29.0') },
      { 'packages/a/package.json': needs('~1.30') },
      '1.29.0 → ~1.30 in packages/a/package.json',
    ],
    [
      'in a member that is new',
      { [manifest]: workspace, 'packages/a/package.json': needs('1.29.0') },
      { 'packages/b/package.json': needs('~1.30') },
      '1.29.0 → ~1.30 in packages/b/package.json',
    ],
    [
      'in the catalog',
      { [manifest]: needs('catalog:'), 'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: 1.29.0\n' },
      { 'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: 1.30.0\n' },
      '1.29.0 → 1.30.0 in pnpm-workspace.yaml',
    ],
    [
      'in overrides',
      { [manifest]: needs('*') },
      { [manifest]: JSON.stringify({ ...JSON.parse(needs('*')), overrides: { 'onnxruntime-node': '1.29.0' } }) },
      '* → 1.29.0 in package.json',
    ],
    [
      'in a lock file',
      { [manifest]: needs('^1'), [locked]: lock('1.29.0') },
      { [locked]: lock('1.30.0') },
      '1.29.0 → 1.30.0 in package-lock.json',
    ],
    [
      'as another package of that version',
      { [manifest]: needs('^1'), [locked]: lock('1.29.0') },
      { [locked]: lock('1.29.0', { name: '@fork/ort' }) },
      '1.29.0 → @fork/ort@1.29.0 in package-lock.json',
    ],
    [
      'as another content of that version',
      { [locked]: lock('1.29.0', { integrity: 'sha512-AA==' }) },
      { [locked]: lock('1.29.0', { integrity: 'sha512-BB==' }) },
      '1.29.0 (sha512-AA==) → 1.29.0 (sha512-BB==) in package-lock.json',
    ],
    [
      'in an archive of the tree under the same name',
      { [manifest]: needs('file:vendor/ort.tgz'), 'vendor/ort.tgz': 'a' },
      { 'vendor/ort.tgz': 'b' },
      expect.stringMatching(/^file:vendor\/ort\.tgz \(\w+\) → file:vendor\/ort\.tgz \(\w+\) in package\.json$/),
    ],
    [
      'in a folder of the tree',
      { [manifest]: needs('file:vendor/ort'), 'vendor/ort/a.txt': 'a' },
      { 'vendor/ort/a.txt': 'b' },
      expect.stringContaining('file:vendor/ort ('),
    ],
    [
      'in the folder that holds the library, not in the root',
      { [manifest]: needs('1.28.0'), 'app/package.json': needs('1.29.0') },
      { 'app/package.json': needs('1.30.0') },
      '1.29.0 → 1.30.0 in app/package.json',
      'app',
    ],
    [
      'in the lock file of the workspace around',
      { [manifest]: workspace, [locked]: lock('1.29.0') },
      { [locked]: lock('1.30.0') },
      '1.29.0 → 1.30.0 in package-lock.json',
      'packages/a',
    ],
  ];
  for (const [name, files, edit, words, folder] of rows)
    test(name, async () => {
      expect(await compared(files, edit, folder)).toEqual(words);
    });
});

describe('what installs the same is no other version', () => {
  const rows: readonly (readonly [name: string, files: Files, edit: Files, folder?: string])[] = [
    ['another range, with a lock file', { [manifest]: needs('^1.29.0'), [locked]: lock('1.30.0') }, { [manifest]: needs('~1.30.0') }],
    ['a lock file that names no digest', { [locked]: lock('1.29.0') }, { [locked]: lock('1.29.0', { integrity: 'sha512-BB==' }) }],
    [
      'another mirror',
      { [locked]: lock('1.29.0', { resolved: 'https://one/a.tgz' }) },
      { [locked]: lock('1.29.0', { resolved: 'https://two/a.tgz' }) },
    ],
    [
      'the copy of another package',
      { [locked]: lock('1.30.0') },
      {
        [locked]: JSON.stringify({
          packages: {
            'node_modules/onnxruntime-node': { version: '1.30.0' },
            'node_modules/a/node_modules/onnxruntime-node': { version: '1.2.0' },
          },
        }),
      },
    ],
    [
      'an example of its own, beside a root that names the package',
      { [manifest]: needs('1.30.0'), 'examples/a/package.json': needs('1.2.0') },
      { 'examples/a/package.json': needs('1.3.0') },
    ],
    [
      'a lock file of a folder below',
      { [manifest]: needs('1.30.0'), 'examples/a/package-lock.json': lock('1.2.0') },
      { 'examples/a/package-lock.json': lock('1.3.0') },
    ],
    [
      'what is needed beside a dependency',
      { [manifest]: JSON.stringify({ ...JSON.parse(needs('1.30.0')), ...JSON.parse(needs('^1.29.0', 'peerDependencies')) }) },
      { [manifest]: JSON.stringify({ ...JSON.parse(needs('1.30.0')), ...JSON.parse(needs('^1.30.0', 'peerDependencies')) }) },
    ],
    ['another section', { [manifest]: needs('1.30.0') }, { [manifest]: needs('1.30.0', 'devDependencies') }],
    ['another field', { [manifest]: needs('1.30.0') }, { [manifest]: needs('1.30.0').replace('{', '{"version": "2.0.0",') }],
    [
      'another folder beside',
      { 'app/package.json': needs('1.30.0'), 'web/package.json': needs('1.2.0') },
      { 'web/package.json': needs('1.3.0') },
      'app',
    ],
    ['what is installed', { [manifest]: needs('1.30.0') }, { 'node_modules/a/package.json': needs('1.2.0') }],
    ['a lock file that git ignores', { [manifest]: needs('^1.30.0'), '.gitignore': 'package-lock.json\n' }, { [locked]: lock('1.30.5') }],
    [
      'another catalog',
      { [manifest]: needs('catalog:'), 'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: 1.29.0\n' },
      { 'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: 1.29.0\ncatalogs:\n  old:\n    onnxruntime-node: 1.2.0\n' },
    ],
    ['a lock file for a version that the manifest names', { [manifest]: needs('1.30.0') }, { [locked]: lock('1.30.0') }],
    ['a manifest that is no JSON', { [manifest]: '{"onnxruntime-node": ' }, { [locked]: '{"onnxruntime-node": ' }],
  ];
  for (const [name, files, edit, folder] of rows)
    test(name, async () => {
      expect(await compared(files, edit, folder)).toBeNull();
    });
});
