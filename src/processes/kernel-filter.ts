/**
 * What no namespace divides: through it, programs of the two sides could meet. The kernel refuses it
 * to code under test (seccomp). Everything else is allowed.
 */
interface Calls {
  /** How the kernel names the kind of program in `struct seccomp_data`. */
  readonly kind: number;
  /** `add_key`, `request_key` and `keyctl`: keys are those of a user, or of the session of the job. */
  readonly keys: readonly [first: number, last: number];
  readonly socket: number;
  /** The same with its arguments in memory, where a filter cannot see them; null where there is none. */
  readonly socketcall: number | null;
}

/** Of programs of a processor, and of its older, 32-bit kind. */
const callsOf: Readonly<Record<string, { readonly prctl: number; readonly own: Calls; readonly older: Calls }>> = {
  x64: {
    prctl: 157,
    own: { kind: 0xc000_003e, keys: [248, 250], socket: 41, socketcall: null },
    older: { kind: 0x4000_0003, keys: [286, 288], socket: 359, socketcall: 102 },
  },
  arm64: {
    prctl: 167,
    own: { kind: 0xc000_00b7, keys: [217, 219], socket: 198, socketcall: null },
    older: { kind: 0x4000_0028, keys: [309, 311], socket: 281, socketcall: 102 },
  },
};

/** Families of sockets that a network namespace does not hold: RDS, IUCV, QIPCRTR, VSOCK. */
const undividedFamilies: readonly number[] = [21, 32, 42, 40];

/** Where the filter finds the call in `struct seccomp_data`: its number, the kind of program, the first argument. */
const offsets = { call: 0, kind: 4, argument: 16 } as const;
/** Instructions of the filter, as in `linux/bpf_common.h`. */
const codes = { load: 0x20, and: 0x54, ifEqual: 0x15, ifAtLeast: 0x35, end: 0x06 } as const;
const allowed = 0x7fff_0000;
const refused = (errno: number): number => 0x0005_0000 | errno;
/** `io_uring_setup`: through it, calls are made that no filter sees. Of all processors. */
const ring = 425;
const errors = { notPermitted: 1, noSuchCall: 38, noSuchFamily: 97 } as const;
/** Calls of the kind x32 have this bit besides the same number. */
const withoutX32 = 0xbfff_ffff;

/** `skip`: how many instructions are passed over where a condition holds, and where it does not. */
type Instruction = readonly [code: number, skip: readonly [number, number], value: number];

const load = (offset: number): Instruction => [codes.load, [0, 0], offset];
const end = (value: number): Instruction => [codes.end, [0, 0], value];
/** Ends a call of this number so. */
const endCall = (call: number, value: number): readonly Instruction[] => [[codes.ifEqual, [0, 1], call], end(value)];

const filterOf = ({ keys: [first, last], socket, socketcall }: Calls): readonly Instruction[] => {
  const families = undividedFamilies.flatMap((family) => endCall(family, refused(errors.noSuchFamily)));
  return [
    load(offsets.call),
    [codes.and, [0, 0], withoutX32],
    [codes.ifAtLeast, [0, 2], first],
    [codes.ifAtLeast, [1, 0], last + 1],
    end(refused(errors.notPermitted)),
    ...endCall(ring, refused(errors.noSuchCall)),
    ...(socketcall === null ? [] : endCall(socketcall, refused(errors.noSuchCall))),
    [codes.ifEqual, [1, 0], socket],
    end(allowed),
    load(offsets.argument),
    ...families,
    end(allowed),
  ];
};

const bytesOf = (instructions: readonly Instruction[]): Buffer =>
  Buffer.concat(
    instructions.map(([code, [holds, fails], value]) => {
      const one = Buffer.alloc(8);
      one.writeUInt16LE(code, 0);
      one.writeUInt8(holds, 2);
      one.writeUInt8(fails, 3);
      one.writeUInt32LE(value >>> 0, 4);
      return one;
    }),
  );

/**
 * The words in front of a program that let the kernel refuse these calls to it and to all that it
 * starts. The process must have given up gaining rights (`no_new_privs`). Null where the processor is
 * not known.
 */
export const filterWords = (perl: string, processor: string): readonly string[] | null => {
  const calls = callsOf[processor];
  if (calls === undefined) return null;
  const [own, older] = [filterOf(calls.own), filterOf(calls.older)];
  const filter = bytesOf([
    load(offsets.kind),
    [codes.ifEqual, [0, own.length], calls.own.kind],
    ...own,
    [codes.ifEqual, [0, older.length], calls.older.kind],
    ...older,
    end(refused(errors.noSuchCall)),
  ]);
  return [perl, '-e', program(calls.prctl, filter), '--'];
};

/** `close_range`, of all processors; kernels before 5.9 do not have it. */
const closeRange = 436;

/**
 * `prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, …)`, then the program in its own place, without what the
 * job left open but for standard input, output and error: through it, read-only files could be written.
 */
const program = (prctl: number, filter: Buffer): string =>
  `my $filter = pack 'H*', '${filter.toString('hex')}'; my $told = pack 'S x6 P', ${filter.length / 8}, $filter; ` +
  `syscall(${prctl}, 22, 2, $told, 0, 0) == 0 or die "seccomp: $!\\n"; syscall(${closeRange}, 3, 0x7fff_ffff, 0); exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!\\n"`;
