import { readFileSync } from 'node:fs';

/** A socket at which a process of this machine waits for others. */
export interface Listener {
  /** The kernel's number of the socket: two may listen at one address. */
  readonly inode: string;
  /** `port 8000`, or the absolute path or abstract name of a local socket. */
  readonly address: string;
  /** A port that the system does not give to whoever asks for any. */
  readonly chosen: boolean;
}

/** How `/proc/net` writes that a socket listens: the state of one of TCP, the flag of a local one. */
const listening = { tcp: '0A', unix: '00010000' } as const;

/** All sockets that listen now, whoever opened them; none without a /proc. */
export const listeners = (): readonly Listener[] => {
  const [first = 0, last = 0] = wordsOf('/proc/sys/net/ipv4/ip_local_port_range')[0]?.map(Number) ?? [];
  const tcpListener = ([, local = '', , state, , , , , , inode]: readonly string[]): readonly Listener[] => {
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    if (state !== listening.tcp || inode === undefined || !(port > 0)) return [];
    return [{ inode, address: `port ${port}`, chosen: port < first || port > last }];
  };
  return [
    ...['tcp', 'tcp6'].flatMap((name) => wordsOf(`/proc/net/${name}`).flatMap(tcpListener)),
    ...wordsOf('/proc/net/unix').flatMap(unixListener),
  ];
};

/** The words of each line; none of a file that cannot be read. */
const wordsOf = (file: string): readonly (readonly string[])[] => {
  try {
    return readFileSync(file, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
};

/** A relative path says nothing without the folder that it was bound in. */
const unixListener = ([, , , flags, , , inode, path = '']: readonly string[]): readonly Listener[] =>
  flags === listening.unix && inode !== undefined && /^[/@]/.test(path) ? [{ inode, address: path, chosen: false }] : [];
