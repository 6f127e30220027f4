import type { Git } from './git.ts';

/** The mode and object that lines of `--raw` give a file, by its path; a file that is removed has none. */
const written = async (git: Git, args: readonly string[]): Promise<readonly (readonly [path: string, file: string])[]> => {
  const { code, stdout } = await git.run([...args, '--raw', '-r', '--no-abbrev', '--no-renames', '--no-ext-diff', '-z']);
  // A hint is not worth an error, such as that of a partial clone without its remote.
  if (code !== 0) return [];
  const fields = stdout.toString('latin1').split('\0');
  return fields.flatMap((field, at) => {
    const [, mode = '', object = ''] = /^\n?:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) /.exec(field) ?? [];
    return mode === '' || /^0+$/.test(object) ? [] : [[fields[at + 1] ?? '', `${mode} ${object}`] as const];
  });
};

/**
 * Files that another branch has, since the common ancestor with head, as some commit of head's own
 * line wrote them: what was squashed or picked there, and is no ancestor.
 */
export const landedFiles = async (git: Git, ancestor: string, head: string, branch: string): Promise<readonly string[]> => {
  const there = await written(git, ['diff', ancestor, branch]);
  if (there.length === 0) return [];
  const own = new Set((await written(git, ['log', '--format=', `${ancestor}..${head}`])).map((each) => each.join('\0')));
  return there.filter((each) => own.has(each.join('\0'))).map(([path]) => Buffer.from(path, 'latin1').toString('utf8'));
};
