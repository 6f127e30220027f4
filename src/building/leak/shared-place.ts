import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { GateError } from '../../errors.ts';
import { reached } from '../../repository/on-disk.ts';
import { subjectEnvironment } from '../../run/context.ts';
import { commandsOf, type Rehearsal, rehearse, type SideProgram } from '../side-program.ts';
import type { Trees } from '../trees.ts';
import { absolutePaths } from './command-texts.ts';
import { type Contents, filesAt, type InstalledPrograms, installedPrograms, namedContents, writtenSince } from './installed-programs.ts';
import { foldersOfPackages, type PythonAnswers } from './python-packages.ts';

interface Looking extends Rehearsal {
  readonly trees: Trees;
  readonly answers: PythonAnswers;
}

/**
 * Looks at the places of installed programs and packages. To be called before the programs are run;
 * what it returns is to be asked afterwards. That gives the error of two programs that each install
 * or compile something into one place when they start: side by side, as a launch runs them, both
 * would run what the later one put there. Null where head replaces nothing, or base does not put its
 * own back. Data does not count: what a program writes in each round it reads at once.
 */
export const watchPlaces = async (base: SideProgram, head: SideProgram, looking: Looking): Promise<() => Promise<GateError | null>> => {
  if (base.policy === null || head.policy === null || looking.sides.isolated) return async () => null;
  const places = await placesOf(base, head, looking);
  const start = places();
  /** Programs and packages that a side replaces when it is run. */
  const replacedBy = async (program: SideProgram): Promise<Contents> => {
    const before = places();
    await rehearse(program, await looking.trees.folder(program.arm), looking);
    return namedContents(writtenSince(before, places()).filter((path) => before.has(path) && isCode(path)));
  };
  return async () => {
    if (!writtenSince(start, places()).some(isCode)) return null;
    const ofHead = await replacedBy(head);
    const ofBase = ofHead.size === 0 ? [] : [...(await replacedBy(base))];
    const shared = ofBase.find(([path, digest]) => ofHead.has(path) && ofHead.get(path) !== digest);
    return shared === undefined ? null : collision(head, shared[0]);
  };
};

/** How what can be run or loaded is called. */
const code = /\.(so|dylib|dll|pyd|node|wasm|jar|py|pth|egg-link|js|mjs|cjs)(\.[\d.]+)?$/;

const isCode = (path: string): boolean =>
  basename(path) === 'RECORD' || code.test(path) || ((reached(() => statSync(path))?.mode ?? 0) & 0o111) !== 0;

/** What lists the programs and packages that either side may run: as they are whenever it is called. */
const placesOf = async (base: SideProgram, head: SideProgram, { context, trees, answers }: Looking): Promise<() => InstalledPrograms> => {
  const environment = subjectEnvironment(context);
  const all = [...commandsOf(base), ...commandsOf(head)];
  const folder = await trees.folder('head');
  const packages = await foldersOfPackages({
    own: all,
    others: [],
    cwd: folder,
    environment,
    confinement: trees.sides.confinement('head'),
    otherTree: await trees.shown('base'),
    answers,
  });
  const named = absolutePaths(all, folder, environment);
  return () => new Map([...installedPrograms(environment, named), ...filesAt([...named, ...packages].flatMap(entriesOf))]);
};

/** The files of a folder, and what an installer of Python recorded there. */
const entriesOf = (folder: string): readonly string[] =>
  (reached(() => readdirSync(folder)) ?? []).map((name) => join(folder, name, name.endsWith('.dist-info') ? 'RECORD' : ''));

const collision = ({ cell }: SideProgram, path: string): GateError =>
  new GateError(
    'inputs-leak',
    `The programs of base and head were started one after the other. Each put a file of its own at ${path}, so that side by side both would run the one that came last. Expected a place of its own for each, such as TMPDIR.`,
    { where: cell.id },
  );
