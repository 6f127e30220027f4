import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** File systems of the kernel's own, in which another user keeps no files. */
const kernelTypes: ReadonlySet<string> = new Set([
  ...['autofs', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devpts', 'efivarfs', 'fusectl'],
  ...['nsfs', 'proc', 'pstore', 'rpc_pipefs', 'securityfs', 'selinuxfs', 'sysfs', 'tracefs'],
]);

/** Where file systems are mounted, by what may be done there. */
export interface Mounts {
  /** Files can be written to, by this process or another. */
  readonly writable: readonly string[];
  /** Processes are seen, also those of other namespaces. `/proc` itself is not among them: each program has its own. */
  readonly processes: readonly string[];
  /** All paths of a folder, its own first: a file system may be mounted in several places. No path of it may be a link. */
  namesOf(folder: string): readonly string[];
}

export const mounts = (): Mounts => mountsIn(readFileSync('/proc/self/mountinfo', 'latin1'));

/** The same of the bytes of a `/proc/PID/mountinfo`, as latin1. */
export const mountsIn = (text: string): Mounts => {
  const all = text.split('\n').flatMap((line) => {
    const [mount = '', source = ''] = line.split(' - ');
    const [, , device = '', root = '', point, options = ''] = mount.split(' ');
    const [type = ''] = source.split(' ');
    const isOpen = !options.split(',').includes('ro');
    return point === undefined ? [] : [{ device, root: decoded(root), point: decoded(point), type, isOpen }];
  });
  // The folders of /sys are root's.
  const elsewhere = all.filter(({ point }) => !/^\/(proc|sys)(\/|$)/.test(point));
  const pointsOf = (some: typeof all): readonly string[] => [...new Set(some.map(({ point }) => point))];
  return {
    writable: pointsOf(elsewhere.filter(({ type, isOpen }) => isOpen && !kernelTypes.has(type))),
    processes: pointsOf(elsewhere.filter(({ type }) => type === 'proc')),
    namesOf: (folder) => {
      const around = all.filter(({ point }) => isIn(point, folder)).toSorted((one, other) => one.point.length - other.point.length);
      // Of several at one place, the last one covers the others.
      const own = around.at(-1);
      if (own === undefined) return [folder];
      const inside = join(own.root, relative(own.point, folder));
      const names = all.filter(({ device, root }) => device === own.device && isIn(root, inside));
      return [...new Set([folder, ...names.map(({ root, point }) => join(point, relative(root, inside)))])];
    },
  };
};

const isIn = (folder: string, path: string): boolean => `${path}/`.startsWith(folder === '/' ? '/' : `${folder}/`);

/** The kernel writes blanks, line ends and backslashes as `\040`. */
const decoded = (point: string): string =>
  Buffer.from(
    point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  ).toString('utf8');
