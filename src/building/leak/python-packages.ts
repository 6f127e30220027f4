import { realpathSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { Confinement } from '../../processes/confinement.ts';
import { runCommand } from '../../processes/run-command.ts';
import { reached } from '../../repository/on-disk.ts';
import { packageFolders, programNamed, wordsIn } from './code-copies.ts';
import { withScripts } from './command-texts.ts';

const question = 'import json, sys; print(json.dumps(sys.path))';
const seconds = 30;

/** The side that asks where its packages lie. */
export interface AskingSide {
  /** Commands that run as this side: programs that they name may be started. */
  readonly own: readonly string[];
  /** Commands of the other side, which may put something where this one loads from. None of their programs is started. */
  readonly others: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly confinement: Confinement;
  /** Where programs of this side find the other one's tree: its files are the other one's code, by whatever name they are found. */
  readonly otherTree: string;
  /** What interpreters answered before. */
  readonly answers: PythonAnswers;
}

/** What each interpreter answered, by how it was asked. To be kept while nothing is installed: asking all of them may take seconds. */
export type PythonAnswers = Map<string, Promise<readonly string[]>>;

/**
 * All folders of installed packages that the commands of one side, or the scripts that they start, may
 * load from, as far as that can be told.
 */
export const foldersOfPackages = async (side: AskingSide): Promise<readonly string[]> => {
  const { own, others, cwd, environment } = side;
  const asked = await pythonPackageFolders(withScripts(own, cwd, environment), side);
  return [...new Set([...packageFolders(withScripts([...own, ...others], cwd, environment), cwd, environment), ...asked])];
};

/**
 * Folders of installed packages that Python itself names: the interpreters among the words of some
 * commands, and those that a script finds on the search path. Where they lie follows from no name:
 * Debian has them below /usr/local, and pyenv starts a script in place of each interpreter.
 */
const pythonPackageFolders = async (
  commands: readonly string[],
  { cwd, environment, confinement, otherTree, answers }: Omit<AskingSide, 'own' | 'others'>,
): Promise<readonly string[]> => {
  const named = wordsIn(commands).filter((word) => /(^|\/)(python|pypy)[\d.]*$/.test(word));
  const programs = [...named, 'python3', 'python'].flatMap((word) => {
    const paths = programNamed(word, cwd, environment['PATH'] ?? '');
    return paths.some((path) => path.startsWith(`${otherTree}/`)) ? [] : paths.slice(0, 1);
  });
  const own = askingEnvironment(environment, otherTree);
  const ask = (program: readonly string[], folder: string): Promise<readonly string[]> => {
    const how = JSON.stringify([program, folder, own]);
    const answer = answers.get(how) ?? searchPath(program, folder, own, confinement);
    answers.set(how, answer);
    return answer;
  };
  // A version manager chooses by the folder, where modules of the tree could stand in for Python's own.
  const asked = await Promise.all([...new Set(programs)].flatMap((program) => [ask([program], '/'), ask([program, '-I'], cwd)]));
  return [...new Set(asked.flat())].filter((folder) => /\/(site|dist)-packages$/.test(folder));
};

/**
 * An environment that leads an interpreter to no code of the other side: without the settings of
 * Python, whose folders are known without asking, and without libraries in the other tree.
 */
const askingEnvironment = (environment: Readonly<Record<string, string>>, otherTree: string): Readonly<Record<string, string>> => {
  const isOthers = (folder: string): boolean => `${reached(() => realpathSync(folder)) ?? folder}/`.startsWith(`${otherTree}/`);
  const kept = Object.entries(environment).filter(([name]) => !name.startsWith('PYTHON'));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      name === 'LD_LIBRARY_PATH'
        ? value
            .split(delimiter)
            .filter((folder) => !isOthers(folder))
            .join(delimiter)
        : value,
    ]),
  );
};

/** Empty where it does not answer. */
const searchPath = async (
  program: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
  confinement: Confinement,
): Promise<readonly string[]> => {
  const { stdout } = await runCommand({
    argv: [...program, '-c', question],
    cwd,
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
