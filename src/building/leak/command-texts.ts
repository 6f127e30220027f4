import { isAbsolute, resolve } from 'node:path';
import { commandReferences, looseWords } from '../../planning/command-references.ts';
import { fileReferences, hasReferences, isRecipe } from '../../planning/file-references.ts';
import { fileBehind, textBehind } from '../../repository/on-disk.ts';
import { wordsIn } from './code-copies.ts';

/** No larger script is looked into, … */
const largestScript = 256 * 1024;
/** … and no more of them. */
const mostScripts = 200;

/** Variables in the words of a shell, as far as they are known. */
const expanded = (text: string, environment: Readonly<Record<string, string>>): string =>
  text
    .replace(/\$\{?(\w+)\}?/g, (written, name: string) => environment[name] ?? written)
    .replace(/(?<=^|[\s"'=:;(])~(?=\/)/g, environment['HOME'] ?? '~');

/**
 * Some command lines, and the texts of the shell scripts, Makefiles and the like that they lead to,
 * with the variables in them that are known.
 * @param cwd folder that the commands are started in
 */
export const withScripts = (commands: readonly string[], cwd: string, environment: Readonly<Record<string, string>>): readonly string[] => {
  const texts = [...commands];
  const absolute = (text: string): readonly string[] => looseWords(text).filter((word) => isAbsolute(word));
  const queue = commands.flatMap((command) => [...commandReferences(looseWords(command), command, '.'), ...absolute(command)]);
  const seen = new Set<string>();
  for (const path of queue) {
    const file = resolve(cwd, path);
    if (texts.length >= mostScripts || seen.has(file) || !hasReferences(path)) continue;
    seen.add(file);
    const size = fileBehind(file)?.size ?? Number.POSITIVE_INFINITY;
    const text = size <= largestScript ? textBehind(file) : null;
    if (text === null || !isRecipe(path, text)) continue;
    texts.push(text);
    queue.push(...fileReferences(path, text, '.'), ...absolute(text));
  }
  return texts.map((text) => expanded(text, environment));
};

/** The absolute paths among the words of some commands and of the scripts that they lead to. */
export const absolutePaths = (
  commands: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): readonly string[] => [...new Set(wordsIn(withScripts(commands, cwd, environment)).filter((word) => isAbsolute(word)))];
