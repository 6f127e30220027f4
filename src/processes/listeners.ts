import { readFileSync } from 'node:fs';

/** A socket at which a process of this machine waits for others. */
export interface Listener {
  /** The kernel's number of the socket: two may listen at one address. */
  readonly inode: string;
  /** `port 8000`, or the absolute path or abstract name of a local socket. */
  readonly address: string;
}

/** How `/proc/net` writes that a socket listens: the state of one of TCP, the flag of a local one. */
const listening = { tcp: '0A', unix: '00010000' } as const;

/** All sockets that listen now, whoever opened them; none without a /proc. */
export const listeners = (): readonly Listener[] => [
  ...['tcp', 'tcp6'].flatMap((name) => rowsOf(name).flatMap(tcpListener)),
  ...rowsOf('unix').flatMap(unixListener),
];

const rowsOf = (name: string): readonly (readonly string[])[] => {
  try {
    const lines = readFileSync(`/proc/net/${name}`, 'latin1').split('\n').slice(1);
    return lines.map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
};

const tcpListener = ([, local = '', , state, , , , , , inode]: readonly string[]): readonly Listener[] => {
  const port = Number.parseInt(local.split(':')[1] ?? '', 16);
  return state === listening.tcp && inode !== undefined && port > 0 ? [{ inode, address: `port ${port}` }] : [];
};

/** A relative path says nothing without the folder that it was bound in. */
const unixListener = ([, , , flags, , , inode, path = '']: readonly string[]): readonly Listener[] =>
  flags === listening.unix && inode !== undefined && /^[/@]/.test(path) ? [{ inode, address: path }] : [];
