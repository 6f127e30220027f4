import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'guides');

/** What a guide tells to write and to run, in its order; a file can be told twice, one in place of the other. */
export type GuideStep = { readonly file: string; readonly text: string } | { readonly commands: readonly string[] };

/** Steps of `docs/guides/NAME.md`: blocks behind a line that begins with a file's name, and blocks of `sh`. */
export const guideSteps = (name: string): readonly GuideStep[] =>
  [
    ...readFileSync(join(folder, `${name}.md`), 'utf8').matchAll(
      /(?:^`([\w./-]+)`(?:, in place of [^\n]*)?:\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm,
    ),
  ].flatMap(([, file, language, text = '']): readonly GuideStep[] => {
    if (file !== undefined) return [{ file, text }];
    return language === 'sh' ? [{ commands: text.trimEnd().split('\n') }] : [];
  });

/** The last text of every file of a guide, or its first where it is told twice and `which` says so. */
export const guideFiles = (name: string, which: 'first' | 'last'): Readonly<Record<string, string>> => {
  const files = guideSteps(name).flatMap((step) => ('file' in step ? [[step.file, step.text] as const] : []));
  return Object.fromEntries(which === 'last' ? files : files.toReversed());
};
