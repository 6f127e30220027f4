import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * How the processes of user code are held together, so that all of them end when the first one does,
 * also those that left its process group, its session and its tree:
 * - `namespaces`: they have a PID namespace of their own, which the kernel ends with its first process.
 * - `reaper`: a process that adopts all orphans below it ends them. Code that ends it first escapes.
 * - `marks`: they are found by the process tree, and by a mark in their environment. Code that clears
 *   its environment escapes.
 */
export interface Confinement {
  readonly kind: 'namespaces' | 'reaper' | 'marks';
  /**
   * The words that make the rest of the command line root's; empty where this process may do what it
   * takes. What they start may be signalled only by root.
   */
  readonly asRoot: readonly string[];
  /** The words in front of the program and its arguments. */
  readonly argv: readonly string[];
}

/** Never by the search path, which user code can write to. */
export const programFolders: readonly string[] = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/run/current-system/sw/bin'];

/** The file of a program of the system itself; null where there is none. */
export const systemProgram = (name: string): string | null =>
  programFolders.map((folder) => `${folder}/${name}`).find((file) => existsSync(file)) ?? null;

/**
 * Runs the rest of the command line, and ends as it ended. What the shell itself says of that is no
 * output of the program. Programs name files by their process id, so that these do not begin anew in
 * each namespace.
 */
export const lastCommand = [
  'exec 9>&2 2>/dev/null',
  'read -r one < /proc/sys/kernel/random/uuid',
  'echo $((0x${one%%-*} % 30000 + 300)) > /proc/sys/kernel/ns_last_pid',
  '(exec "$@" 2>&9 9>&-)',
  'exit "$?"',
].join('; ');

/** The first process of the namespace: to it the kernel delivers no signal by default, so it is not the program itself. */
const init = ['/bin/sh', '-c', lastCommand, 'sh'] as const;

/** The words that give a command line namespaces of its own, before its first process. */
export const namespaces = (unshare: string, setpriv: string, more: readonly string[]): readonly string[] => [
  // The namespace ends with this process, and so it must end with the one that started it.
  ...[setpriv, '--pdeathsig', 'KILL', '--'],
  ...[unshare, ...more, '--pid', '--fork', '--kill-child', '--mount-proc', '--'],
];

/** Numbers of the system call `prctl`. */
const prctl: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };

/**
 * Adopts orphans (PR_SET_CHILD_SUBREAPER), ends with its parent (PR_SET_PDEATHSIG), runs a program,
 * kills what that leaves behind, and ends as it ended.
 */
const reaperProgram = (call: number): string => `
syscall(${call}, 36, 1, 0, 0, 0) == 0 && syscall(${call}, 1, 9, 0, 0, 0) == 0 or exit 125;
my $main = fork;
defined $main or exit 125;
if ($main == 0) { exec { $ARGV[0] } @ARGV or print STDERR "$ARGV[0]: $!\\n"; exit 127 }
$SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);
close $_ for (*STDIN, *STDOUT, *STDERR);
my ($ended, $status) = (0, 0);
while (($ended = waitpid(-1, 0)) > 0) { if ($ended == $main) { $status = $?; last } }
for (;;) {
  if (open(my $list, '<', "/proc/$$/task/$$/children")) { kill 9, split(' ', <$list> // '') }
  last if waitpid(-1, 0) <= 0;
}
my $signal = $status & 127;
if ($signal) { $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM PIPE); kill $signal, $$ }
exit($status >> 8);
`;

const held = (kind: Confinement['kind'], argv: readonly string[]): Confinement => ({ kind, asRoot: [], argv });

/** Ways to hold processes together, the strongest first. */
export const confinementCandidates = (): readonly Confinement[] => {
  const [unshare, setpriv, perl] = ['unshare', 'setpriv', 'perl'].map(systemProgram);
  const call = prctl[process.arch];
  const found: Confinement[] = [];
  if (unshare != null && setpriv != null) {
    const isRoot = process.getuid?.() === 0;
    // In a user namespace nobody becomes root, which a `setup` that may do so relies on.
    if (isRoot) found.push(held('namespaces', [...namespaces(unshare, setpriv, []), ...init]));
    else if (!mayBecomeRoot()) {
      const own = ['--user', '--map-current-user', '--keep-caps'];
      // Only the first process keeps the rights that the namespace gives.
      const plain = [setpriv, '--inh-caps=-all', '--ambient-caps=-all', '--'];
      found.push(held('namespaces', [...namespaces(unshare, setpriv, own), ...init, ...plain]));
    }
  }
  if (perl != null && call !== undefined) found.push(held('reaper', [perl, '-e', reaperProgram(call), '--']));
  return found;
};

const mayBecomeRoot = (): boolean => {
  const sudo = systemProgram('sudo');
  return sudo !== null && spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore', timeout: trialMilliseconds }).status === 0;
};

const trialMilliseconds = 10_000;
const trialStatus = 7;

const works = ({ argv: [program = '', ...args] }: Confinement): boolean =>
  spawnSync(program, [...args, '/bin/sh', '-c', `exec 2>&1; : < /proc/self/stat && : < /dev/null && exit ${trialStatus}`], {
    stdio: 'ignore',
    timeout: trialMilliseconds,
    env: {},
  }).status === trialStatus;

let known: Confinement | null = null;

/** The strongest way that works on this machine, tried once: before any user code has run. */
export const findConfinement = (): Confinement => {
  known ??= (process.platform === 'linux' ? confinementCandidates().find(works) : undefined) ?? held('marks', []);
  return known;
};
