import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { systemProgram } from '../../src/processes/confinement.ts';
import { filterWords } from '../../src/processes/kernel-filter.ts';

const [perl, setpriv] = ['perl', 'setpriv'].map(systemProgram);
const filter = perl == null ? null : filterWords(perl, process.arch);
const calls = { x64: { key: 248, control: 250, socket: 41 }, arm64: { key: 217, control: 219, socket: 198 } }[process.arch as string];

/** Errors of some system calls, by name; 0: none. */
const tried = `my %calls = (@ARGV); my %told;
for my $name (keys %calls) { my ($call, @words) = map { /^-?\\d+$/ ? $_ + 0 : $_ } split / /, $calls{$name}; my $done = syscall($call, @words); print "$name ", $done < 0 ? $! + 0 : 0, "\\n" }`;

const errorsOf = (before: readonly string[], named: Readonly<Record<string, string>>): Readonly<Record<string, number>> => {
  const [program = '', ...args] = [...before, perl ?? '', '-e', tried, '--', ...Object.entries(named).flat()];
  const { stdout } = spawnSync(program, args, { encoding: 'utf8', env: {} });
  return Object.fromEntries([...stdout.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, errno]) => [name, Number(errno)]));
};

describe.skipIf(process.platform !== 'linux' || filter === null || setpriv == null || calls === undefined)(
  'what no namespace divides',
  () => {
    const { key = 0, control = 0, socket = 0 } = calls ?? {};
    const named = {
      add: `${key} user by-gate-test text 4 -2`,
      get: `${control} 0 -3 0`,
      machine: `${socket} 40 1 0`,
      routers: `${socket} 42 2 0`,
      datagrams: `${socket} 21 5 0`,
      ring: '425 1 0',
      local: `${socket} 1 1 0`,
      network: `${socket} 2 1 0`,
    };
    const words = [setpriv ?? '', '--no-new-privs', '--', ...(filter ?? [])];

    it('is refused to a program, and nothing else is', () => {
      const expected = { add: 1, get: 1, machine: 97, routers: 97, datagrams: 97, ring: 38, local: 0, network: 0 };
      expect(errorsOf(words, named)).toEqual(expected);
      expect(errorsOf([...words, '/bin/sh', '-c', 'exec "$@"', 'sh'], named)).toEqual(expected);
    });

    it('leaves nothing open that the job had opened', () => {
      const [program = '', ...args] = [...words, '/bin/sh', '-c', '(echo written >&4) 2>/dev/null; echo said'];
      const [closed, open] = [args, ['-c', 'echo written >&4; echo said']].map((each, index) =>
        spawnSync(index === 0 ? program : '/bin/sh', each, { env: {}, stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'] }),
      );
      expect([closed, open].map((each) => [1, 4].map((at) => String(each?.output[at])))).toEqual([
        ['said\n', ''],
        ['said\n', 'written\n'],
      ]);
    });

    it('leaves the exit status and the output of a program as they are', () => {
      const [program = '', ...args] = [...words, '/bin/sh', '-c', 'echo out; exit 3'];
      expect(spawnSync(program, args, { encoding: 'utf8', env: {} })).toMatchObject({ status: 3, stdout: 'out\n', stderr: '' });
    });
  },
);

describe('a processor that is not known', () => {
  it('has no filter', () => {
    expect(filterWords('/usr/bin/perl', 'riscv64')).toBeNull();
  });
});
