import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

const filesIn = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`);

/** Every README, CONTRIBUTING and everything below docs. */
export const pages = (): readonly string[] => [
  'README.md',
  'CONTRIBUTING.md',
  'baselines/README.md',
  'models/README.md',
  ...filesIn('docs', '.md'),
];

/** Fenced blocks of one language, each with the page that it stands on. */
export const blocks = (language: string): readonly { readonly page: string; readonly text: string }[] =>
  pages().flatMap((page) =>
    [...textOf(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
      .filter((match) => match[1] === language)
      .map((match) => ({ page, text: match[2] ?? '' })),
  );

/** Every workflow that is shipped: files, and the blocks of the pages that are workflows. */
export const workflows = (): readonly { readonly name: string; readonly text: string }[] => [
  ...[...filesIn('examples/workflows', '.yml'), ...filesIn('.github/workflows', '.yml')].map((path) => ({
    name: path,
    text: textOf(path),
  })),
  ...blocks('yaml')
    .filter(({ text }) => /^jobs:/m.test(text))
    .map(({ page, text }) => ({ name: `${page} (block)`, text })),
];
