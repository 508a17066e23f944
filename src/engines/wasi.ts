// An in-memory WASI (preview 1) for engines compiled to WebAssembly: no real file, clock setting or variable is in reach.
// `node:wasi` is not used: repeated instantiation crashed V8, and it would open the machine's own files.
import { GuestMemory } from './guest-memory.ts';
import { MemoryFile } from './memory-files.ts';

export interface WasiOptions {
  /** What the program may read, by path: relative to `root`, or absolute below it. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** The program's command line, its own name first; read when the program starts, so it may change until then. */
  readonly args?: readonly string[];
  /** The one directory that the program sees; `/` if not given. */
  readonly root?: string;
}

export interface Wasi {
  readonly imports: WebAssembly.Imports;
  /** Must be called between instantiation and the first call of an export. */
  bind(instance: WebAssembly.Instance): void;
  /** The files that the program wrote, by path relative to `root`, whether closed or not. */
  readonly written: Record<string, Uint8Array>;
  /** What the program printed to stdout and stderr together; the last few kilobytes. */
  readonly printed: string;
}

/** Thrown out of the program's export when it calls `exit()`, also with code 0. */
export class WasiExit extends Error {
  override readonly name = 'WasiExit';
  readonly code: number;

  constructor(code: number) {
    super(`the program ended with exit code ${code}`);
    this.code = code;
  }
}

// Numbers from the WASI preview 1 specification.
const errno = { success: 0, badf: 8, inval: 28, noent: 44, spipe: 70 } as const;
const fileType = { characterDevice: 2, directory: 3, regular: 4 } as const;
const openFlag = { create: 1, truncate: 8 } as const;
const APPEND = 1;
const ALL_RIGHTS = 0xffff_ffffn;
const STDIN = 0;
const ROOT_FD = 3;
const FIRST_FREE_FD = 4;
const PRINTED_MAX_CHARS = 4096;

type Descriptor = { readonly type: 'stdin' | 'print' | 'root' } | { readonly type: 'file'; readonly file: MemoryFile };

/** @throws WasiExit from the program's exports when it exits; a plain error when `bind` was left out */
export function createWasi({ files, args = [], root = '/' }: WasiOptions): Wasi {
  const readable = new Map(Object.entries(files).map(([path, bytes]) => [relativePath(path, root), bytes]));
  const writable = new Map<string, MemoryFile>();
  const descriptors = new Map<number, Descriptor>([
    [STDIN, { type: 'stdin' }],
    [1, { type: 'print' }],
    [2, { type: 'print' }],
    [ROOT_FD, { type: 'root' }],
  ]);
  const memory = new GuestMemory();
  let nextFd = FIRST_FREE_FD;
  let printed = '';

  const fileAt = (fd: number): MemoryFile | undefined => {
    const found = descriptors.get(fd);
    return found?.type === 'file' ? found.file : undefined;
  };

  const print = (bytes: Uint8Array): number => {
    printed = (printed + decoder.decode(bytes)).slice(-PRINTED_MAX_CHARS);
    return bytes.length;
  };

  const openFile = (path: string, flags: number): MemoryFile | undefined => {
    const creates = (flags & openFlag.create) !== 0;
    const truncates = (flags & openFlag.truncate) !== 0;
    const existing = writable.get(path)?.contents() ?? readable.get(path);
    if (existing === undefined && !creates) return undefined;
    const file = new MemoryFile(truncates ? undefined : existing);
    if (creates || truncates) writable.set(path, file);
    return file;
  };

  const preview1 = {
    ...programFunctions(memory, args),

    fd_close: (fd: number) => (descriptors.delete(fd) ? errno.success : errno.badf),

    fd_fdstat_get(fd: number, result: number) {
      const found = descriptors.get(fd);
      if (!found) return errno.badf;
      memory.zero(result, 24);
      memory.setByte(result, typeOf(found));
      memory.setU64(result + 8, ALL_RIGHTS);
      memory.setU64(result + 16, ALL_RIGHTS);
      return errno.success;
    },

    fd_fdstat_set_flags: () => errno.success,

    fd_filestat_get(fd: number, result: number) {
      const found = descriptors.get(fd);
      if (!found) return errno.badf;
      memory.zero(result, 64);
      memory.setByte(result + 16, typeOf(found));
      memory.setU64(result + 32, BigInt(found.type === 'file' ? found.file.length : 0));
      return errno.success;
    },

    fd_prestat_get(fd: number, result: number) {
      if (fd !== ROOT_FD) return errno.badf;
      memory.setU32(result, 0);
      memory.setU32(result + 4, encoder.encode(root).length);
      return errno.success;
    },

    fd_prestat_dir_name(fd: number, target: number, length: number) {
      if (fd !== ROOT_FD) return errno.badf;
      memory.bytes(target, length).set(encoder.encode(root).subarray(0, length));
      return errno.success;
    },

    fd_read(fd: number, vectors: number, count: number, result: number) {
      const found = descriptors.get(fd);
      if (!found || found.type === 'root') return errno.badf;
      const total =
        found.type === 'file' ? memory.forEachVector(vectors, count, (target) => found.file.read(target)) : 0;
      memory.setU32(result, total);
      return errno.success;
    },

    fd_pread(fd: number, vectors: number, count: number, offset: bigint, result: number) {
      const file = fileAt(fd);
      if (!file) return errno.badf;
      let position = Number(offset);
      const total = memory.forEachVector(vectors, count, (target) => {
        const read = file.readAt(position, target);
        position += read;
        return read;
      });
      memory.setU32(result, total);
      return errno.success;
    },

    fd_seek(fd: number, offset: bigint, whence: number, result: number) {
      const file = fileAt(fd);
      if (!file) return descriptors.has(fd) ? errno.spipe : errno.badf;
      const base = [0, file.position, file.length][whence];
      if (base === undefined || base + Number(offset) < 0) return errno.inval;
      file.position = base + Number(offset);
      memory.setU64(result, BigInt(file.position));
      return errno.success;
    },

    fd_write(fd: number, vectors: number, count: number, result: number) {
      const found = descriptors.get(fd);
      if (!found || found.type === 'root' || found.type === 'stdin') return errno.badf;
      const write = found.type === 'file' ? (source: Uint8Array) => found.file.write(source) : print;
      memory.setU32(result, memory.forEachVector(vectors, count, write));
      return errno.success;
    },

    path_open(
      directory: number,
      _lookupFlags: number,
      path: number,
      pathLength: number,
      flags: number,
      _rights: bigint,
      _inherited: bigint,
      fdFlags: number,
      result: number,
    ) {
      if (directory !== ROOT_FD) return errno.badf;
      const file = openFile(relativePath(memory.text(path, pathLength), root), flags);
      if (!file) return errno.noent;
      if ((fdFlags & APPEND) !== 0) file.position = file.length;
      descriptors.set(nextFd, { type: 'file', file });
      memory.setU32(result, nextFd++);
      return errno.success;
    },
  };

  return {
    imports: { wasi_snapshot_preview1: preview1 },
    bind: (instance) => memory.bind(instance),
    get written() {
      return Object.fromEntries([...writable].map(([path, file]) => [path, file.contents()]));
    },
    get printed() {
      return printed;
    },
  };
}

/** The functions that need no file: arguments, an empty environment, clocks and exit. */
function programFunctions(memory: GuestMemory, args: readonly string[]) {
  const encodedArgs = () => args.map((text) => encoder.encode(`${text}\0`));
  return {
    args_sizes_get(count: number, size: number) {
      const sizeBytes = encodedArgs().reduce((sum, bytes) => sum + bytes.length, 0);
      memory.setU32(count, args.length);
      memory.setU32(size, sizeBytes);
      return errno.success;
    },

    args_get(pointers: number, target: number) {
      let position = target;
      encodedArgs().forEach((bytes, index) => {
        memory.setU32(pointers + 4 * index, position);
        memory.bytes(position, bytes.length).set(bytes);
        position += bytes.length;
      });
      return errno.success;
    },

    environ_sizes_get(count: number, size: number) {
      memory.setU32(count, 0);
      memory.setU32(size, 0);
      return errno.success;
    },

    environ_get: () => errno.success,

    clock_time_get(clock: number, _precision: bigint, result: number) {
      const nowMs = clock === 0 ? Date.now() : performance.now();
      memory.setU64(result, BigInt(Math.round(nowMs * 1e6)));
      return errno.success;
    },

    proc_exit(code: number): number {
      throw new WasiExit(code);
    },
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function typeOf(descriptor: Descriptor): number {
  if (descriptor.type === 'root') return fileType.directory;
  return descriptor.type === 'file' ? fileType.regular : fileType.characterDevice;
}

function relativePath(path: string, root: string): string {
  const prefix = root.endsWith('/') ? root : `${root}/`;
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return below.replace(/^(\.?\/)+/, '');
}
