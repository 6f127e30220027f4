import { mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GateError } from '../../errors.ts';
import { anything } from '../../planning/subjects.ts';
import type { LackingSubmodule } from '../../repository/submodules.ts';
import { subjectEnvironment } from '../../run/context.ts';
import { inputsOf, type Rehearsal, rehearse, type SideProgram } from '../side-program.ts';
import type { Trees } from '../trees.ts';

interface Looking extends Rehearsal {
  readonly trees: Trees;
  readonly watch: Trees['watchReads'];
}

interface Finding {
  readonly error: GateError | null;
  readonly warning: string | null;
}

/**
 * The error of a program without `inputs` that looks into a submodule which its tree lacks: it would
 * be measured without those files. A warning where the file system does not tell.
 */
export const findLackingSubmodule = async (program: SideProgram, looking: Looking): Promise<Finding> => {
  const lacking = inputsOf(program).includes(anything) ? await looking.trees.lackingSubmodules(program.arm) : [];
  for (const touched of [listed, enteredBehindLinks]) {
    const found = lacking.length === 0 ? [] : await touched(program, lacking, looking);
    if (found === null) return { error: null, warning: untold(program, lacking) };
    // Something else on this machine may have looked there at that moment.
    const [first] = found.length === 0 ? [] : ((await touched(program, found, looking)) ?? found);
    if (first !== undefined) return { error: looked(program, first), warning: null };
  }
  return { error: null, warning: null };
};

const looked = ({ arm, cell }: SideProgram, { path, error }: LackingSubmodule): GateError => {
  const message =
    `The program of ${arm} looked into the submodule ${path}. It is empty there. ${error.message}\n` +
    'If the program does not need it, declare the `inputs` of the entry.';
  return new GateError('submodule-missing', message, { where: cell.id });
};

const untold = ({ arm }: SideProgram, lacking: readonly LackingSubmodule[]): string =>
  `${arm === 'base' ? 'Base' : 'Head'} lacks the submodule ${lacking.map(({ path }) => path).join(', ')}, and this file system does not record which files are read. ` +
  'Whether the program needs it is not known. Declare `inputs`, or fetch the submodule in the checkout step.';

/** Those whose empty folder a program lists; null where the file system does not tell. */
const listed = async (
  program: SideProgram,
  lacking: readonly LackingSubmodule[],
  looking: Looking,
): Promise<readonly LackingSubmodule[] | null> => {
  const root = await looking.trees.root(program.arm);
  const begun = await looking.watch(
    lacking.map(({ path }) => join(root, path)),
    subjectEnvironment(looking.context),
  );
  if (begun === null) return null;
  await rehearse(program, await looking.trees.folder(program.arm), looking);
  const read = new Set(begun.read());
  return lacking.filter(({ path }) => read.has(join(root, path)));
};

/**
 * Those in which a program asks for a file. Nothing records that in a folder without files; but a
 * link in its place is followed, which is recorded.
 */
const enteredBehindLinks = async (
  program: SideProgram,
  lacking: readonly LackingSubmodule[],
  looking: Looking,
): Promise<readonly LackingSubmodule[] | null> => {
  const root = await looking.trees.root(program.arm);
  const target = mkdtempSync(join(tmpdir(), 'optimization-gate-submodule-'));
  const linked: string[] = [];
  try {
    for (const { path } of lacking) {
      rmdirSync(join(root, path));
      linked.push(join(root, path));
      symlinkSync(target, join(root, path));
    }
    return await listed(program, lacking, looking);
  } finally {
    for (const path of linked) {
      unlinkSync(path);
      mkdirSync(path);
    }
    rmSync(target, { recursive: true, force: true });
  }
};
