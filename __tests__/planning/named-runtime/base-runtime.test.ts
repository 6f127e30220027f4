import { describe, expect, test } from 'vitest';
import { commandTexts } from '../../../src/planning/named-runtime/command-text.ts';
import { lockEntries } from '../../../src/planning/named-runtime/lock-entries.ts';
import { localPath, manifestEntries } from '../../../src/planning/named-runtime/manifest-entries.ts';
import { installSpecs } from '../../../src/planning/named-runtime/runtime-installs.ts';

const json = JSON.stringify;
const sha = 'sha512-AAAA';

describe('lock files name the version that is installed', () => {
  test.each<readonly [string, string, string, string, readonly string[]]>([
    [
      'of npm',
      'package-lock.json',
      json({ packages: { '': { version: '9.9.9' }, 'node_modules/onnxruntime-node': { version: '1.31.0-dev.4', license: '9.9.9' } } }),
      '',
      ['1.31.0-dev.4'],
    ],
    [
      'of npm, for another package under that name',
      'package-lock.json',
      json({ packages: { 'node_modules/onnxruntime-node': { name: '@fork/ort', version: '1.29.0' } } }),
      '',
      ['@fork/ort@1.29.0'],
    ],
    [
      'with its fields in another order',
      'package-lock.json',
      json({ packages: { 'node_modules/onnxruntime-node': { integrity: sha, version: '1.29.0', name: '@fork/ort' } } }),
      '',
      ['@fork/ort@1.29.0'],
    ],
    [
      'of npm, beside the copy of another package',
      'package-lock.json',
      json({
        packages: {
          'node_modules/a/node_modules/onnxruntime-node': { version: '1.2.0' },
          'node_modules/onnxruntime-node': { version: '1.30.0' },
        },
      }),
      '',
      ['1.30.0'],
    ],
    [
      'of npm, in the folder of a member',
      'npm-shrinkwrap.json',
      json({
        packages: {
          'packages/a/node_modules/onnxruntime-node': { version: '1.2.0' },
          'node_modules/onnxruntime-node': { version: '1.30.0' },
        },
      }),
      'packages/a',
      ['1.2.0'],
    ],
    [
      'of npm 6',
      'package-lock.json',
      json({
        dependencies: {
          a: { dependencies: { 'onnxruntime-node': { version: '1.2.0' } } },
          'onnxruntime-node': { version: 'npm:@fork/ort@1.29.0' },
        },
      }),
      '',
      ['@fork/ort@1.29.0'],
    ],
    [
      'of npm, by a link',
      'package-lock.json',
      json({ packages: { 'node_modules/onnxruntime-node': { resolved: 'vendor/ort', link: true } } }),
      '',
      ['vendor/ort'],
    ],
    [
      'of yarn',
      'yarn.lock',
      'onnxruntime-common@^1.30.0:\n  version "1.2.3"\n\nonnxruntime-node@^1.30.0, onnxruntime-node@~1.31:\n  version "1.31.0"\n  resolved "https://registry/onnxruntime-node-1.31.0.tgz#1"\n',
      '',
      ['1.31.0'],
    ],
    [
      'of yarn, for another package',
      'yarn.lock',
      '"onnxruntime-node@npm:@fork/ort@1.29.0":\n  version "1.29.0"\n',
      '',
      ['@fork/ort@1.29.0'],
    ],
    [
      'of Berry',
      'yarn.lock',
      '"onnxruntime-node@npm:^1.30.0":\n  version: 1.30.0\n  resolution: "onnxruntime-node@npm:1.30.0"\n  checksum: 10c0/aa\n',
      '',
      ['1.30.0'],
    ],
    [
      'of Berry, for another package',
      'yarn.lock',
      '"onnxruntime-node@npm:@fork/ort@1.29.0":\n  version: 1.29.0\n  resolution: "@fork/ort@npm:1.29.0"\n',
      '',
      ['@fork/ort@1.29.0'],
    ],
    ['of pnpm', 'pnpm-lock.yaml', 'packages:\n\n  onnxruntime-node@1.30.0:\n    resolution: {integrity: sha512-AA==}\n', '', ['1.30.0']],
    [
      'of pnpm 5',
      'pnpm-lock.yaml',
      'specifiers:\n  onnxruntime-node: ^1.29.0\npackages:\n  /onnxruntime-node/1.30.0:\n    resolution: {integrity: sha512-AA==}\n',
      '',
      ['1.30.0'],
    ],
    [
      'of pnpm, beside the copy of another package',
      'pnpm-lock.yaml',
      'importers:\n  .:\n    dependencies:\n      onnxruntime-node:\n        specifier: ^1.30.0\n        version: 1.30.0\npackages:\n  onnxruntime-node@1.30.0:\n    resolution: {integrity: sha512-AA==}\n  onnxruntime-node@1.2.0:\n    resolution: {integrity: sha512-BB==}\n',
      '',
      ['1.30.0'],
    ],
    [
      'of pnpm, for another package',
      'pnpm-lock.yaml',
      "importers:\n  .:\n    dependencies:\n      onnxruntime-node:\n        specifier: npm:@fork/ort@1.29.0\n        version: '@fork/ort@1.29.0'\n",
      '',
      ['@fork/ort@1.29.0'],
    ],
    [
      'of Bun',
      'bun.lock',
      '{\n  "packages": {\n    "onnxruntime-node": ["onnxruntime-node@1.30.0", "", {}, "sha512-AA=="],\n    "a/onnxruntime-node": ["onnxruntime-node@1.2.0", "", {}, ""],\n  }\n}\n',
      '',
      ['1.30.0'],
    ],
    [
      'of another package',
      'package-lock.json',
      json({
        packages: { 'node_modules/onnxruntime-node-gpu': { version: '1.2.3' }, 'node_modules/my-onnxruntime-node': { version: '1.2.3' } },
      }),
      '',
      [],
    ],
    ['that are no JSON', 'package-lock.json', '<<<<<<< ours\n{"node_modules/onnxruntime-node": {"version": "1.2.3"', '', []],
    ['that are nested without end', 'package-lock.json', `${'{"dependencies":{"a":'.repeat(5000)}1${'}}'.repeat(5000)}`, '', []],
    [
      'whose fields are no texts',
      'package-lock.json',
      json({ packages: { 'node_modules/onnxruntime-node': { version: ['1.2.3'], name: {} } } }),
      '',
      [],
    ],
  ])('%s', (_, path, text, holder, specs) => {
    expect(lockEntries(path, text, holder).map(({ spec }) => spec)).toEqual(specs);
  });

  test('with a digest of its content, where there is one', () => {
    const npm = (more: object): string => json({ packages: { 'node_modules/onnxruntime-node': { version: '1.29.0', ...more } } });
    const detail = (more: object): string | null | undefined => lockEntries('package-lock.json', npm(more), '')[0]?.detail;
    expect(detail({ integrity: sha, resolved: 'https://registry/onnxruntime-node-1.29.0.tgz' })).toBe(sha);
    expect(detail({ resolved: 'https://registry/onnxruntime-node-1.29.0.tgz' })).toBeNull();
    expect(detail({ resolved: 'git+ssh://git@host/ort.git#abc' })).toBe('git+ssh://git@host/ort.git#abc');
  });
});

describe('manifests name specs', () => {
  test.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'a version',
      { 'package.json': json({ dependencies: { 'onnxruntime-node': '1.30.0', 'onnxruntime-web': '1.2.3' } }) },
      ['direct 1.30.0'],
    ],
    ...[
      '^1.30.0',
      '~1.29',
      '1.29.x',
      '^1',
      '1.29',
      'next',
      '*',
      '>=1.29 <2',
      'file:vendor/ort-1.29.tgz',
      'npm:@fork/ort@1.29.0',
      'git+https://host/ort.git#v1',
      'workspace:*',
      'https://host/ort.tgz',
    ].map((spec) => [spec, { 'package.json': json({ devDependencies: { 'onnxruntime-node': spec } }) }, [`direct ${spec}`]] as const),
    [
      'what is needed beside',
      {
        'package.json': json({
          peerDependencies: { 'onnxruntime-node': '^1' },
          peerDependenciesMeta: { 'onnxruntime-node': { optional: true } },
          allowScripts: { 'onnxruntime-node': false },
        }),
      },
      ['peer ^1'],
    ],
    [
      'overrides',
      { 'package.json': json({ overrides: { 'onnxruntime-node': '1.29.0', a: { 'onnxruntime-node@^1': '1.28.0' }, b: '1.2.3' } }) },
      ['override 1.29.0', 'override 1.28.0'],
    ],
    [
      'an override of all versions below',
      { 'package.json': json({ overrides: { 'onnxruntime-node': { '.': '1.29.0', a: '2.0.0' } } }) },
      ['override 1.29.0'],
    ],
    [
      'an override that is the dependency',
      {
        'package.json': json({
          dependencies: { 'onnxruntime-node': '1.30.0' },
          overrides: { a: { 'onnxruntime-node': '$onnxruntime-node' } },
        }),
      },
      ['direct 1.30.0'],
    ],
    [
      'resolutions',
      {
        'package.json': json({
          resolutions: { '**/onnxruntime-node': '1.29.0', '@fork/onnxruntime-node': '9.9.9' },
          pnpm: { overrides: { 'a>onnxruntime-node': '1.28.0' } },
        }),
      },
      ['override 1.29.0', 'override 1.28.0'],
    ],
    [
      'a catalog',
      {
        'package.json': json({ dependencies: { 'onnxruntime-node': 'catalog:' } }),
        'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: ^1.29.0\ncatalogs:\n  old:\n    onnxruntime-node: 1.2.0\n',
      },
      ['direct ^1.29.0'],
    ],
    [
      'a catalog by its name',
      {
        'package.json': json({ dependencies: { 'onnxruntime-node': 'catalog:old' } }),
        'pnpm-workspace.yaml': 'catalog:\n  onnxruntime-node: ^1.29.0\ncatalogs:\n  old:\n    onnxruntime-node: 1.2.0\n',
      },
      ['direct 1.2.0'],
    ],
    [
      'a catalog of Bun',
      {
        'package.json': json({
          workspaces: { catalog: { 'onnxruntime-node': '1.29.0' } },
          dependencies: { 'onnxruntime-node': 'catalog:' },
        }),
      },
      ['direct 1.29.0'],
    ],
    [
      'another package',
      {
        'package.json': json({
          dependencies: { 'onnxruntime-node-gpu': '1.30.0', 'my-onnxruntime-node': '1.2.3', '@a/onnxruntime-node': '1.2.3' },
        }),
      },
      [],
    ],
    ['no text', { 'package.json': json({ dependencies: { 'onnxruntime-node': { a: 1 } }, overrides: [1, null] }) }, []],
    ['no map', { 'package.json': '[{"dependencies": {}}]' }, []],
    ['no JSON', { 'package.json': '{"dependencies": {"onnxruntime-node": "1.2.3",}}' }, []],
    ['a text without an end', { 'package.json': `{"overrides":${'{"onnxruntime-node":'.repeat(5000)}1${'}'.repeat(5001)}` }, []],
  ])('%s', (_, files, specs) => {
    expect(manifestEntries(new Map(Object.entries(files))).map(({ of, spec }) => `${of} ${spec}`)).toEqual(specs);
  });

  test.each([
    ['file:vendor/ort.tgz', 'packages/a/vendor/ort.tgz'],
    ['link:../ort/', 'packages/ort'],
    ['../../vendor/ort', 'vendor/ort'],
    ['file:../../../ort', null],
    ['file:/opt/ort', null],
    ['^1.29.0', null],
  ])('%s lies at %s', (spec, path) => {
    expect(localPath(spec, 'packages/a/package.json')).toBe(path);
  });
});

describe('texts install what stands behind the name', () => {
  test.each<readonly [string, string, string, readonly string[]]>([
    ['a version', 'a.yml', '- run: npm install --prefix ort onnxruntime-node@1.30.0 # not 1.29.0', ['1.30.0']],
    ['an address', 'a.sh', 'npm i https://registry/onnxruntime-node/-/onnxruntime-node-1.30.0.tgz', ['1.30.0']],
    ['a variable', 'a.sh', 'npm install onnxruntime-node@$ORT', ['$ORT']],
    ['one with a default', 'a.sh', 'npm install "onnxruntime-node@${ORT:-1.30.0}"', ['${ORT:-1.30.0}']],
    ['an expression', 'a.yml', 'run: npm i onnxruntime-node@${{ env.ORT }} && true', ['${{ env.ORT }}']],
    ['a command', 'a.sh', 'npm i "onnxruntime-node@$(jq -r \'.ort\' v.json)" other', ["$(jq -r '.ort' v.json)"]],
    ['a range with spaces', 'a.sh', 'npm i "onnxruntime-node@>=1.29 <2" other', ['>=1.29 <2']],
    ['another package under that name', 'a.sh', 'npm i onnxruntime-node@npm:@fork/ort@1.29.0', ['npm:@fork/ort@1.29.0']],
    ['a tag', 'a.sh', 'npm i onnxruntime-node@next', ['next']],
    ['a part of a version', 'a.sh', 'npm i onnxruntime-node@1.31', ['1.31']],
    ['no version', 'a.sh', 'pnpm add -D onnxruntime-node onnxruntime-common', ['latest']],
    ['no version, as words of a list', 'Dockerfile', 'RUN ["npm", "install", "onnxruntime-node"]', ['latest']],
    ['a key', 'a.toml', '[packages]\nonnxruntime-node = "1.30.0"', ['1.30.0']],
    ['a list below a key', 'a.yml', 'matrix:\n  onnxruntime-node:\n    - 1.29.0\n    - 1.30.0\n  node: [24]', ['1.29.0', '1.30.0']],
    ['a sentence', 'a.yml', 'placeholder: onnxruntime-node 1.24.3\nbody: onnxruntime-node 1.2.3 is needed', []],
    ['a description of several lines', 'a.yml', 'description: |\n  Installs onnxruntime-node@1.2.3\n\n  and more\nruns: x', []],
    [
      'a script of PowerShell with a comment of several lines',
      'a.ps1',
      '<#\n npm i onnxruntime-node@1.2.3\n#>\nnpm i onnxruntime-node@1.30.0',
      ['1.30.0'],
    ],
    ['a hash in quotes', 'a.sh', "echo 'a # b' && npm i onnxruntime-node@1.30.0", ['1.30.0']],
    ['an apostrophe', 'a.sh', "echo don't | cat # onnxruntime-node@1.2.3\nnpm i onnxruntime-node@1.30.0", ['1.30.0']],
    ['the path of the installed package', 'a.sh', 'npm ci && node node_modules/onnxruntime-node/script/install', []],
    [
      'a text that goes to a file',
      'a.sh',
      'echo "onnxruntime-node@1.30.0" >> list.txt\necho onnxruntime-node@1.31.0 > b.txt',
      ['1.30.0', '1.31.0'],
    ],
    ['a text that is shown', 'a.sh', 'echo -e "onnxruntime-node@1.30.0" >&2\necho use onnxruntime-node@1.31.0; true', []],
    ['what is removed', 'a.sh', 'npm uninstall onnxruntime-node', []],
  ])('%s', (_, path, text, specs) => {
    expect(commandTexts(path, text).flatMap((each) => installSpecs(each).map(({ spec }) => spec))).toEqual(specs);
  });
});
