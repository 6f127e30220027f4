import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { GateError } from '../errors.ts';
import { type Confinement, lastCommand, namespaces, systemProgram } from './confinement.ts';
import { filterWords } from './kernel-filter.ts';
import { mounts } from './mounts.ts';

/** What processes find elsewhere than others do. All paths are folders. */
export interface View {
  /** Seems empty. */
  readonly hidden: string;
  /** Begin empty for each program, and are its own. */
  readonly own: readonly string[];
  /** All others can only be read. */
  readonly writable: readonly string[];
  /** `own`: no address but those of the program itself can be reached. */
  readonly network: 'shared' | 'own';
}

/** Another user of this machine, as which user code runs. */
export interface OtherUser {
  readonly name: string;
  readonly uid: number;
  /** Names of the groups that it is a member of. */
  readonly groups: readonly string[];
  /** How its processes are held together, and what they find of this machine. */
  confinement(view: View): Confinement;
  /** Throws `isolation-unavailable` where no process can be started so. */
  requireStart(view: View): void;
  /** Makes files and folders those of the user, with all that they hold. */
  give(path: string): void;
  /** Makes them those of this process again. */
  take(path: string): void;
  /**
   * Throws `isolation-unavailable` where the user cannot read one of some paths, or could write to
   * or replace one of some others.
   */
  requireAccess(access: { readonly reads: readonly string[]; readonly keeps: readonly string[] }): void;
}

const seconds = 60;
const trialStatus = 7;
/** Groups whose members become root without a password, or write to the disk itself. */
const powerful: ReadonlySet<string> = new Set(['root', 'sudo', 'wheel', 'admin', 'docker', 'lxd', 'libvirt', 'disk', 'shadow']);

/** Where the configuration names a user. */
export type UserKey = 'isolation.user' | 'isolation.base-user';

/**
 * The first process of the namespace is root's. Before any user code runs it closes all file systems,
 * hides the folder of the other side, and gives the program a network of its own where it is told an `ip`.
 */
const init = [
  'umask 022; mount=$1; mountpoint=$2; ip=$3; shift 3',
  // A mount of its own stays writable.
  'while [ "$1" != -- ]; do "$mount" --bind "$1" "$1" || exit 125; shift; done; shift',
  // One that another one covers, or that is gone by now, cannot be reached either.
  'while [ "$1" != -- ]; do "$mount" -o remount,bind,ro "$1" 2>/dev/null || ! "$mountpoint" -q "$1" || exit 125; shift; done; shift',
  'while [ "$1" != -- ]; do [ ! -e "$1" ] || "$mount" -t tmpfs -o size=4k,mode=000 none "$1" || exit 125; shift; done; shift',
  'while [ "$1" != -- ]; do "$mount" -t tmpfs -o size=4k,mode=000 none "$1" 2>/dev/null || ! "$mountpoint" -q "$1" || exit 125; shift; done; shift',
  'while [ "$1" != -- ]; do "$mount" -t tmpfs -o mode=1777,nosuid,nodev none "$1" || exit 125; shift; done; shift',
  // Whoever has the user could write to the terminals of another program of it.
  '[ ! -d /dev/pts ] || "$mount" -t devpts -o newinstance,mode=620,ptmxmode=666 none /dev/pts || exit 125',
  '[ -z "$ip" ] || "$ip" link set lo up || exit 125',
  // The working directory is still one of the mounts as they were.
  'cd "$PWD" || exit 125',
  lastCommand,
].join('; ');

/** Finds the user, and tries to start a process as it. Throws `isolation-unavailable` with the commands that help. */
export const openOtherUser = (name: string, where: UserKey): OtherUser => {
  const unavailable = (what: string, cure: string): GateError =>
    new GateError('isolation-unavailable', `Code under test was to run as the user ${name}. That cannot be: ${what}. ${cure}`, { where });
  const program = (tool: string): string => {
    const file = systemProgram(tool);
    if (file === null)
      throw unavailable(`the program ${tool} is not there`, 'Install it (Debian: `apt-get install util-linux iproute2 sudo`).');
    return file;
  };
  if (process.platform !== 'linux') throw unavailable(`this is ${process.platform}, and only Linux can do it`, 'Remove `isolation`.');
  const asRoot = process.getuid?.() === 0 ? [] : [program('sudo'), '-n', '--'];
  const run = (argv: readonly string[]): { readonly code: number | null; readonly stdout: string; readonly stderr: string } => {
    const [file = '', ...args] = argv;
    const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: seconds * 1000, env: {}, cwd: '/' });
    return { code: status, stdout: stdout?.trim() ?? '', stderr: stderr?.trim() ?? '' };
  };
  const [uid, gid, groups] = ['-u', '-g', '-Gn'].map((option) => run([program('id'), option, '--', name]));
  if (uid?.code !== 0 || gid?.code !== 0 || groups?.code !== 0)
    throw unavailable('there is no such user', `Create it: \`sudo useradd --system --create-home ${name}\`.`);
  if (uid.stdout === '0') throw unavailable('it is root', 'Name a user without rights.');
  if (Number(uid.stdout) === process.getuid?.()) throw unavailable('the gate itself runs as it', 'Name another user.');
  const memberships = groups.stdout.split(' ');
  const group = memberships.find((each) => powerful.has(each));
  if (group !== undefined)
    throw unavailable(`it is a member of the group ${group}, which can become root`, `Take it out: \`sudo gpasswd -d ${name} ${group}\`.`);
  // Else it could name a file of anybody in its own folders, which are handed over as a whole.
  if (readFileSync('/proc/sys/fs/protected_hardlinks', 'utf8').trim() !== '1')
    throw unavailable('users can link files of others', 'Prevent that: `sudo sysctl -w fs.protected_hardlinks=1`.');
  const [setpriv, chown] = [program('setpriv'), program('chown')];
  const become = [setpriv, `--reuid=${uid.stdout}`, `--regid=${gid.stdout}`, '--init-groups', '--no-new-privs', '--'];
  const filter = filterWords(program('perl'), process.arch);
  if (filter === null) throw unavailable(`processors of the kind ${process.arch} are not known`, 'Use a runner of the kind x64 or arm64.');
  const tools = [program('mount'), program('mountpoint')];
  const ip = program('ip');
  const confinement = ({ hidden, own, writable, network }: View): Confinement => {
    const there = mounts();
    const argv = [
      ...namespaces(program('unshare'), setpriv, network === 'own' ? ['--ipc', '--net'] : ['--ipc']),
      ...[program('sh'), '-c', init, 'sh', ...tools, network === 'own' ? ip : ''],
      ...[...writable, '--', ...there.writable, '--', ...there.namesOf(realpathSync(hidden)), '--', ...there.processes, '--', ...own, '--'],
      ...become,
      ...filter,
    ];
    return { kind: 'namespaces', asRoot, argv };
  };
  const test = (script: string, paths: readonly string[]): readonly string[] => {
    const argv = [
      ...asRoot,
      ...become,
      program('sh'),
      '-c',
      `for path; do ${script} && printf '%s\\n' "$path"; done; exit 0`,
      'sh',
      ...paths,
    ];
    const tried = run(argv);
    if (tried.code !== 0) {
      const cure =
        asRoot.length === 0 ? 'Give this job the right to change users.' : 'Allow sudo without a password, or run the gate as root.';
      throw unavailable(`no process could be started as it (${tried.stderr.slice(0, 300)})`, cure);
    }
    return tried.stdout.split('\n').filter((path) => path !== '');
  };
  const own = (owner: string) => (path: string) => {
    const { code, stderr } = run([...asRoot, chown, '-R', '-h', owner, '--', path]);
    if (code !== 0) throw unavailable(`${path} could not be handed over (${stderr.slice(0, 300)})`, 'Choose another folder.');
  };
  return {
    name,
    uid: Number(uid.stdout),
    groups: memberships,
    confinement,
    requireStart: (view) => {
      const start = confinement(view);
      const { code, stderr } = run([...start.asRoot, ...start.argv, program('sh'), '-c', `exit ${trialStatus}`]);
      if (code === trialStatus) return;
      const cure = 'Allow this job to mount file systems: a container needs `--privileged`, or CAP_SYS_ADMIN and CAP_NET_ADMIN.';
      throw unavailable(`no process could be started in namespaces of its own (${stderr.slice(0, 300)})`, cure);
    },
    give: own(`${uid.stdout}:${gid.stdout}`),
    take: own(`${process.getuid?.()}:${process.getgid?.()}`),
    requireAccess: ({ reads, keeps }) => {
      const closed = test('! test -r "$path"', reads);
      for (const path of closed) {
        const shut = test('! test -x "$path"', ancestors(path)).at(-1);
        const cure = shut === undefined ? `sudo chmod -R o+rX ${path}` : `sudo chmod o+x ${shut}`;
        throw unavailable(`it cannot read ${path}`, `Let it: \`${cure}\`.`);
      }
      // Whoever can write to a folder can replace what lies in it, but for a sticky one.
      const [open] = test(
        'test -w "$path" && ! test -k "$path"',
        keeps.flatMap((path) => [path, ...ancestors(path)]),
      );
      if (open !== undefined) throw unavailable(`it can write to ${open}`, `Prevent that: \`sudo chmod go-w ${open}\`.`);
    },
  };
};

/** The folders above a path, the nearest first. */
export const ancestors = (path: string): readonly string[] => (dirname(path) === path ? [] : [dirname(path), ...ancestors(dirname(path))]);
