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
  expect(mountsIn(`${lines.join('\n')}\n`)).toMatchObject({
    writable: ['/', '/mnt/a b\\c', '/mnt/é', '/dev/shm', '/dev/mqueue'],
    processes: ['/host/proc'],
  });
  expect(mountsIn('')).toMatchObject({ writable: [], processes: [] });
});

it('names all paths of a folder, where a file system is mounted more than once', () => {
  const { namesOf } = mountsIn(
    [
      '27 1 254:0 / / rw - ext4 /dev/vda rw',
      '28 27 254:0 /tmp /var/tmp rw - ext4 /dev/vda rw',
      '29 27 254:0 /home /srv/home rw - ext4 /dev/vda rw',
      '30 27 0:40 /@/srv /srv rw - btrfs /dev/vdb rw',
      '31 27 0:40 / /mnt/all ro - btrfs /dev/vdb rw',
      '32 30 0:41 / /srv/in rw - tmpfs tmpfs rw',
      '33 30 0:42 / /srv/in rw - tmpfs tmpfs rw',
      '34 27 0:42 / /srv/other rw - tmpfs tmpfs rw',
    ].join('\n'),
  );
  expect(namesOf('/tmp/a')).toEqual(['/tmp/a', '/var/tmp/a']);
  expect(namesOf('/var/tmp')).toEqual(['/var/tmp', '/tmp']);
  expect(namesOf('/tmpfile')).toEqual(['/tmpfile']);
  expect(namesOf('/srv/a b')).toEqual(['/srv/a b', '/mnt/all/@/srv/a b']);
  expect(namesOf('/srv/in/a')).toEqual(['/srv/in/a', '/srv/other/a']);
  expect(mountsIn('').namesOf('/a')).toEqual(['/a']);
});
