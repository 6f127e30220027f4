import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const repository = join(import.meta.dirname, '..');

/** The schema library that the types are inferred by: only its declarations are shipped. */
const zod = join(repository, 'node_modules', 'zod');
const ofZod = /^v4(\/(classic|core|locales)(\/[^/]+\.d\.ts)?)?$/;

const declarationsIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.d.ts'))
    .map((name) => join(folder, name));

/**
 * Writes the declarations of the package's types (src/index.ts) into `folder`, with those of zod that
 * they are made of, so that they need no other package. Throws where a file cannot be declared.
 */
export const buildTypes = (folder: string): void => {
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--noCheck', '--rootDir', 'src', '--outDir', folder];
  const settings = ['--module', 'nodenext', '--target', 'es2024', '--allowImportingTsExtensions', '--types', 'node', '--ignoreConfig'];
  const { status, stdout } = spawnSync(join(repository, 'node_modules', '.bin', 'tsc'), [...options, ...settings, 'src/index.ts'], {
    cwd: repository,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The types could not be declared. ${stdout}`);
  for (const file of declarationsIn(folder)) {
    const toZod = relative(dirname(file), join(folder, 'zod', 'v4', 'classic', 'external.js'))
      .split(sep)
      .join('/');
    const text = readFileSync(file, 'utf8')
      .replace(/^import (type )?\{ z \} from 'zod';$/gm, `import type * as z from '${toZod.startsWith('.') ? toZod : `./${toZod}`}';`)
      .replace(/(from |import\()'(\.[^']*)\.ts'/g, "$1'$2.js'");
    writeFileSync(file, text);
  }
  cpSync(zod, join(folder, 'zod'), {
    recursive: true,
    filter: (from) => {
      const name = relative(zod, from).split(sep).join('/');
      return name === '' || (ofZod.test(name) && (statSync(from).isDirectory() || name.endsWith('.d.ts')));
    },
  });
};
