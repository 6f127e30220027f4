import { isAbsolute, resolve } from 'node:path';
import { commandReferences, looseWords } from '../../planning/command-references.ts';
import { commandsIn, fileReferences, hasReferences } from '../../planning/file-references.ts';
import { fileBehind, textBehind } from '../../repository/on-disk.ts';
import { wordsIn } from './code-copies.ts';

/** No larger script is looked into, … */
const largestScript = 256 * 1024;
/** … and no more of them. */
const mostScripts = 1000;

/** Variables in the words of a shell, as far as they are known. */
const expanded = (text: string, environment: Readonly<Record<string, string>>): string =>
  text
    .replace(/\$\{?(\w+)\}?/g, (written, name: string) => environment[name] ?? written)
    .replace(/(?<=^|[\s"'=:;(])~(?=\/)/g, environment['HOME'] ?? '~');

/**
 * Some command lines, and the texts of the shell scripts, Makefiles and programs that they lead to,
 * with the variables in them that are known. Of a program in Python or JavaScript only the literals:
 * they may name what it starts or where it looks for modules.
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
    const commands = text === null ? null : commandsIn(path, text);
    if (text === null || commands === null) continue;
    texts.push(commands);
    for (const each of [fileReferences(path, text, '.'), absolute(commands)].flat()) queue.push(each);
  }
  return texts.map((text) => expanded(text, environment));
};

/** The absolute paths among the words of some commands and of the scripts that they lead to. */
export const absolutePaths = (
  commands: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): readonly string[] => [...new Set(wordsIn(withScripts(commands, cwd, environment)).filter((word) => isAbsolute(word)))];
