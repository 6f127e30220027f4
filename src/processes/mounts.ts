import { readFileSync } from 'node:fs';

/** File systems of the kernel's own, in which another user keeps no files. */
const kernelTypes: ReadonlySet<string> = new Set([
  ...['autofs', 'binfmt_misc', 'bpf', 'cgroup', 'cgroup2', 'configfs', 'debugfs', 'devpts', 'efivarfs', 'fusectl'],
  ...['mqueue', 'nsfs', 'proc', 'pstore', 'rpc_pipefs', 'securityfs', 'selinuxfs', 'sysfs', 'tracefs'],
]);

/** Where file systems are mounted that files can be written to, by this process or another. */
export const writableMounts = (): readonly string[] => mountsIn(readFileSync('/proc/self/mountinfo', 'latin1'));

/** The same of the bytes of a `/proc/PID/mountinfo`, as latin1. */
export const mountsIn = (text: string): readonly string[] => {
  const points = text.split('\n').flatMap((line) => {
    const [mount = '', source = ''] = line.split(' - ');
    const [, , , , point, options = ''] = mount.split(' ');
    const [type = ''] = source.split(' ');
    return point === undefined || options.split(',').includes('ro') || kernelTypes.has(type) ? [] : [decoded(point)];
  });
  // Each program has a /proc of its own; the folders of /sys are root's.
  return [...new Set(points)].filter((point) => !/^\/(proc|sys)(\/|$)/.test(point));
};

/** The kernel writes blanks, line ends and backslashes as `\040`. */
const decoded = (point: string): string =>
  Buffer.from(
    point.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))),
    'latin1',
  ).toString('utf8');
