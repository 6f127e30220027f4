import { dirname, extname, join } from 'node:path';
import { GateError } from '../../errors.ts';
import { entryAt } from '../../repository/on-disk.ts';
import { subjectEnvironment } from '../../run/context.ts';
import type { FreshTree, LeftFiles } from '../left-files.ts';
import { type Rehearsal, rehearse, type SideProgram } from '../side-program.ts';
import { sameContent } from '../tree-files.ts';
import type { Trees } from '../trees.ts';

interface Looking extends Rehearsal {
  readonly trees: Trees;
  readonly watch: Trees['watchReads'];
}

/**
 * The error of a program of head that reads what an earlier step left in its checkout: a file that
 * is no part of what is under review, that base's tree lacks, and that neither head's setup nor the
 * program itself makes. Base would be compared without it. Null where there is none, or where the
 * file system does not tell. To be called after base's program has run.
 */
export const findLeftFile = async (program: SideProgram, looking: Looking): Promise<GateError | null> => {
  const { trees } = looking;
  const left = await trees.leftFiles();
  const files = [...left.stray, ...left.edited];
  if (files.length === 0) return null;
  const [head, base] = [await trees.root('head'), await trees.root('base')];
  const folder = await trees.folder('head');
  const lacks = lackOf(left, head);
  const lacking = (await readBy(program, folder, head, files, looking)).filter((path) => lacks(base, path));
  if (lacking.length === 0) return null;
  const fresh = await trees.freshHead().catch(() => null);
  const foreign = fresh === null ? lacking : await notMadeIn(fresh, program, lacking, lacks, looking);
  // Something else on this machine may have read it at that moment.
  const [first] = foreign.length === 0 ? [] : await readBy(program, folder, head, foreign, looking);
  return first === undefined ? null : leftFile(program, first);
};

/** Whether a tree is without a file that was left in head's checkout, or has it with another content. */
type Lacks = (root: string, path: string) => boolean;

const lackOf = ({ edited }: LeftFiles, head: string): Lacks => {
  const known = new Set(edited);
  return (root, path) => (known.has(path) ? !sameContent(join(head, path), join(root, path)) : !isThere(root, path));
};

/** Those of some files of a tree that a program reads. */
const readBy = async (
  program: SideProgram,
  folder: string,
  root: string,
  files: readonly string[],
  looking: Looking,
): Promise<readonly string[]> => {
  const pathOf = (path: string): string => join(root, path);
  const begun = await looking.watch(files.map(pathOf), subjectEnvironment(looking.context));
  if (begun === null) return [];
  await rehearse(program, folder, looking);
  const read = new Set(begun.read());
  return files.filter((file) => read.has(pathOf(file)));
};

/**
 * Those of some files of head's checkout that a fresh tree lacks once the program has run there. A
 * cache may give a file another name in each tree. What the program reads in the checkout from there
 * too, it finds by a path that both sides share.
 */
const notMadeIn = async (
  fresh: FreshTree,
  program: SideProgram,
  files: readonly string[],
  lacks: Lacks,
  looking: Looking,
): Promise<readonly string[]> => {
  const head = await looking.trees.root('head');
  const shared = new Set(await readBy(program, fresh.folder, head, files, looking));
  const renamed = new Set((await fresh.stray()).filter((path) => !isThere(head, path)).map(sortOf));
  return files.filter((path) => !shared.has(path) && lacks(fresh.root, path) && !renamed.has(sortOf(path)));
};

const isThere = (root: string, path: string): boolean => entryAt(join(root, path)) !== null;

/** Where a file lies, but for digests and numbers, and how it ends. */
const sortOf = (path: string): string => `${dirname(path).replace(/(?=[a-z]*\d)[a-z\d]{8,}|\d+/gi, '#')}\n${extname(path)}`;

const leftFile = ({ cell }: SideProgram, path: string): GateError => {
  const message =
    `The program of head was watched while it ran. It read ${path}, which an earlier step of the job left in the checkout. ` +
    'The commit does not have it so, and base was measured without it. Let `setup:` make it for each side.';
  return new GateError('inputs-leak', message, { where: cell.id });
};
