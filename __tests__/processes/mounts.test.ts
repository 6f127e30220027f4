import { expect, it } from 'vitest';
import { mountsIn } from '../../src/processes/mounts.ts';

it('names where files can be written and processes are seen, once each, as the file system spells it', () => {
  const lines = [
    '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard',
    '22 27 0:21 / /proc rw,relatime - proc proc rw',
    '40 22 0:30 / /proc/kcore rw - tmpfs tmpfs rw',
    '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
    '28 27 0:25 / /snap/core ro,nosuid,relatime - squashfs /dev/loop0 ro',
    '29 27 0:26 / /dev/pts rw,relatime master:3 - devpts devpts rw',
    '33 27 0:27 / /mnt/a\\040b\\134c rw - xfs /dev/vdb rw',
    `34 27 0:27 / /mnt/${Buffer.from('é').toString('latin1')} rw master:1 shared:2 - xfs /dev/vdb rw`,
    '35 27 0:29 / /dev/shm rw,relatime - tmpfs tmpfs rw',
    '36 35 0:29 / /dev/shm rw,relatime - tmpfs tmpfs rw',
    '37 23 0:30 / /dev/mqueue rw,relatime - mqueue mqueue rw',
    '38 27 0:21 / /host/proc ro,relatime - proc proc rw',
  ];
  expect(mountsIn(`${lines.join('\n')}\n`)).toEqual({
    writable: ['/', '/mnt/a b\\c', '/mnt/é', '/dev/shm', '/dev/mqueue'],
    processes: ['/host/proc'],
  });
  expect(mountsIn('')).toEqual({ writable: [], processes: [] });
});
