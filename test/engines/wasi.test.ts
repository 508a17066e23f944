// The in-memory WASI, called as a program calls it: addresses in a memory, error numbers back.
import { describe, expect, it } from 'vitest';
import { createWasi, WasiExit, type WasiOptions } from '../../src/engines/wasi.ts';

const badFileDescriptor = 8;
const noSuchFile = 44;
const create = 1;
const createAndTruncate = 9;
const rootFd = 3;

type Calls = Record<string, Call>;
type Call = (...values: (number | bigint)[]) => number;

function program(options: WasiOptions) {
  const wasi = createWasi(options);
  const memory = new WebAssembly.Memory({ initial: 1 });
  wasi.bind({ exports: { memory } } as unknown as WebAssembly.Instance);
  const functions = wasi.imports.wasi_snapshot_preview1 as unknown as Calls;
  const call = (name: string, ...values: (number | bigint)[]) => (functions[name] as Call)(...values);
  const u32 = (address: number) => new DataView(memory.buffer).getUint32(address, true);
  const put = (address: number, text: string) => {
    const bytes = new TextEncoder().encode(text);
    new Uint8Array(memory.buffer).set(bytes, address);
    return bytes.length;
  };
  const text = (address: number, length: number) =>
    new TextDecoder().decode(new Uint8Array(memory.buffer, address, length));
  const vector = (at: number, address: number, length: number) => {
    new DataView(memory.buffer).setUint32(at, address, true);
    new DataView(memory.buffer).setUint32(at + 4, length, true);
  };
  const open = (path: string, flags = 0, fdFlags = 0) => {
    const error = call('path_open', rootFd, 0, 1000, put(1000, path), flags, 0n, 0n, fdFlags, 900);
    return error === 0 ? u32(900) : -error;
  };
  const read = (fd: number, length: number) => {
    vector(800, 2000, length);
    expect(call('fd_read', fd, 800, 1, 900)).toBe(0);
    return text(2000, u32(900));
  };
  const write = (fd: number, ...parts: string[]) => {
    parts.forEach((part, index) => {
      vector(800 + 8 * index, 3000 + 100 * index, put(3000 + 100 * index, part));
    });
    expect(call('fd_write', fd, 800, parts.length, 900)).toBe(0);
    return u32(900);
  };
  return { wasi, memory, call, u32, text, vector, open, read, write };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (data: Uint8Array | undefined) => new TextDecoder().decode(data);

describe('reading', () => {
  it('finds a file by its path relative to the root, or by the absolute one', () => {
    const { open, read } = program({ files: { 'en/a.txt': bytes('one'), '/m/b.txt': bytes('two') }, root: '/m' });
    expect(read(open('en/a.txt'), 10)).toBe('one');
    expect(read(open('./b.txt'), 10)).toBe('two');
  });

  it('reads on from where it stopped, and nothing at the end', () => {
    const { open, read } = program({ files: { a: bytes('abcdef') } });
    const fd = open('a');
    expect([read(fd, 4), read(fd, 4), read(fd, 4)]).toEqual(['abcd', 'ef', '']);
  });

  it('gives each opening its own position', () => {
    const { open, read } = program({ files: { a: bytes('abc') } });
    const [first, second] = [open('a'), open('a')];
    expect(read(first, 3)).toBe('abc');
    expect(read(second, 3)).toBe('abc');
  });

  it('seeks from the beginning, from here and from the end, and not before the beginning', () => {
    const { open, read, call } = program({ files: { a: bytes('abcdef') } });
    const fd = open('a');
    expect(call('fd_seek', fd, 2n, 0, 900)).toBe(0);
    expect(read(fd, 1)).toBe('c');
    expect(call('fd_seek', fd, 1n, 1, 900)).toBe(0);
    expect(read(fd, 1)).toBe('e');
    expect(call('fd_seek', fd, -1n, 2, 900)).toBe(0);
    expect(read(fd, 9)).toBe('f');
    expect(call('fd_seek', fd, -7n, 2, 900)).toBe(28);
  });

  it('reads at an offset over several vectors without moving', () => {
    const { open, read, call, vector, text, u32 } = program({ files: { a: bytes('abcdef') } });
    const fd = open('a');
    vector(800, 2000, 2);
    vector(808, 2002, 9);
    expect(call('fd_pread', fd, 800, 2, 1n, 900)).toBe(0);
    expect(text(2000, u32(900))).toBe('bcdef');
    expect(read(fd, 2)).toBe('ab');
  });

  it('tells type and size', () => {
    const { open, call, memory } = program({ files: { a: bytes('abcdef') } });
    expect(call('fd_filestat_get', open('a'), 4000)).toBe(0);
    expect(new DataView(memory.buffer).getUint8(4016)).toBe(4);
    expect(new DataView(memory.buffer).getBigUint64(4032, true)).toBe(6n);
  });

  it('refuses what is not there', () => {
    const { open, call } = program({ files: {} });
    expect(open('missing')).toBe(-noSuchFile);
    expect(call('fd_read', 9, 0, 0, 0)).toBe(badFileDescriptor);
    expect(call('fd_close', 9)).toBe(badFileDescriptor);
  });
});

describe('writing', () => {
  it('keeps what is written, grows, and is read back', () => {
    const { wasi, open, write, read, call } = program({ files: {} });
    const fd = open('out.wav', createAndTruncate);
    expect(write(fd, 'head', '....')).toBe(8);
    for (let written = 8; written < 300_000; written += 8) write(fd, '12345678');
    call('fd_close', fd);
    expect(wasi.written['out.wav']?.length).toBe(300_000);
    expect(read(open('out.wav'), 12)).toBe('head....1234');
  });

  it('overwrites after a seek, as a WAV header is', () => {
    const { wasi, open, write, call } = program({ files: {} });
    const fd = open('a', createAndTruncate);
    write(fd, '0000rest');
    call('fd_seek', fd, 0n, 0, 900);
    write(fd, 'size');
    expect(textOf(wasi.written.a)).toBe('sizerest');
  });

  it('begins anew when truncated, goes on when appended', () => {
    const { wasi, open, write } = program({ files: { a: bytes('old') } });
    write(open('a', create, 1), '+new');
    expect(textOf(wasi.written.a)).toBe('old+new');
    write(open('a', createAndTruncate), 'x');
    expect(textOf(wasi.written.a)).toBe('x');
  });

  it('leaves the given contents as they were', () => {
    const given = bytes('old');
    const { open, write } = program({ files: { a: given } });
    write(open('a', create), 'NEW');
    expect(textOf(given)).toBe('old');
  });

  it('keeps what is printed', () => {
    const { wasi, write } = program({ files: {} });
    write(1, 'to be ');
    write(2, 'heard');
    expect(wasi.printed).toBe('to be heard');
  });
});

describe('the program itself', () => {
  it('gets its arguments', () => {
    const { call, u32, text } = program({ files: {}, args: ['flite', '-voice', 'é'] });
    call('args_sizes_get', 900, 904);
    expect([u32(900), u32(904)]).toEqual([3, 16]);
    call('args_get', 4000, 5000);
    expect(text(5000, 16)).toBe('flite\0-voice\0é\0');
    expect([u32(4000), u32(4004), u32(4008)]).toEqual([5000, 5006, 5013]);
  });

  it('sees one directory, by its name', () => {
    const { call, u32, text } = program({ files: {}, root: '/model' });
    expect(call('fd_prestat_get', 3, 900)).toBe(0);
    call('fd_prestat_dir_name', 3, 4000, u32(904));
    expect(text(4000, u32(904))).toBe('/model');
    expect(call('fd_prestat_get', 4, 900)).toBe(badFileDescriptor);
  });

  it('ends by an exception with its code', () => {
    const { call } = program({ files: {} });
    expect(() => call('proc_exit', 3)).toThrow(new WasiExit(3));
  });

  it('goes on after its memory grew', () => {
    const { memory, call, u32, open, read } = program({ files: { a: bytes('abc') } });
    const fd = open('a');
    memory.grow(1);
    expect(read(fd, 3)).toBe('abc');
    expect(call('clock_time_get', 1, 0n, 65_536)).toBe(0);
    expect(u32(65_536)).toBeGreaterThan(0);
  });

  it('says so when it was not bound', () => {
    const { imports } = createWasi({ files: {} });
    const environment = imports.wasi_snapshot_preview1?.environ_sizes_get as unknown as Call;
    expect(() => environment(0, 4)).toThrow(/bind/);
  });
});
