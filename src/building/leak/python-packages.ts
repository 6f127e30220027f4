import type { Confinement } from '../../processes/confinement.ts';
import { runCommand } from '../../processes/run-command.ts';
import { packageFolders, programNamed, wordsIn } from './code-copies.ts';

const question = 'import json, sys; print(json.dumps(sys.path))';
const seconds = 30;

/** All folders of installed packages that some commands may load from, as far as that can be told. */
export const foldersOfPackages = async (
  commands: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
  confinement: Confinement,
): Promise<readonly string[]> => {
  const asked = await pythonPackageFolders(commands, cwd, environment, confinement);
  return [...new Set([...packageFolders(commands, cwd, environment), ...asked])];
};

/**
 * Folders of installed packages that Python itself names: the interpreters among the words of some
 * commands, and those that a script finds on the search path. Where they lie follows from no name:
 * Debian has them below /usr/local, and pyenv starts a script in place of each interpreter.
 */
const pythonPackageFolders = async (
  commands: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
  confinement: Confinement,
): Promise<readonly string[]> => {
  const named = wordsIn(commands).filter((word) => /(^|\/)(python|pypy)[\d.]*$/.test(word));
  const programs = [...named, 'python3', 'python'].flatMap((word) => programNamed(word, cwd, environment['PATH'] ?? '').slice(0, 1));
  const asked = await Promise.all([...new Set(programs)].map((program) => searchPath(program, environment, confinement)));
  return [...new Set(asked.flat())].filter((folder) => /\/(site|dist)-packages$/.test(folder));
};

/** Asked outside of any tree, whose modules could stand in for Python's own. Empty where it does not answer. */
const searchPath = async (
  program: string,
  environment: Readonly<Record<string, string>>,
  confinement: Confinement,
): Promise<readonly string[]> => {
  const { stdout } = await runCommand({
    argv: [program, '-c', question],
    cwd: '/',
    environment,
    // An interpreter of the tree itself is code of its side.
    confinement,
    timeoutSeconds: seconds,
    maxOutputBytes: 64 * 1024,
  });
  try {
    const paths: unknown = JSON.parse(stdout.toString('utf8'));
    return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [];
  } catch {
    return [];
  }
};
