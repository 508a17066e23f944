// `pnpm call` at the command line: what it takes, and how it refuses what it can't use.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCallOptions } from '../../src/cli/call-options.ts';
import { createJsonReport, createTextReport } from '../../src/cli/call-report.ts';
import { requestRoom } from '../../src/cli/call-room.ts';
import { loadTurns } from '../../src/cli/call-turns.ts';
import { UserError } from '../../src/config/user-error.ts';

const signal = new AbortController().signal;
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bulletproof-call-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('options', () => {
  it('takes turns of every kind in the order given', () => {
    const { turns } = parseCallOptions([
      'a.wav',
      '--say',
      'how much is it',
      'b.wav',
      '--text',
      'and by mail?',
      '--say=x',
    ]);
    expect(turns).toEqual([
      { kind: 'wav', path: 'a.wav' },
      { kind: 'say', text: 'how much is it' },
      { kind: 'wav', path: 'b.wav' },
      { kind: 'text', text: 'and by mail?' },
      { kind: 'say', text: 'x' },
    ]);
  });

  it('reads the rest', () => {
    const args = ['--', '--room', 'x', '--persona', 'sales', '--url', 'http://host:81', '--timeout', '5', '--json'];
    const options = parseCallOptions([...args, '--out', 'o.wav', 'q.wav']);
    expect(options).toMatchObject({
      room: 'x',
      persona: 'sales',
      timeoutMs: 5000,
      json: true,
      out: 'o.wav',
      help: false,
    });
    expect(options.url?.href).toBe('http://host:81/');
    expect(options.turns).toHaveLength(1);
  });

  it('reads how the call is to be held', () => {
    const modeOf = (...args: string[]) => parseCallOptions([...args, 'q.wav']).mode;
    expect(modeOf()).toBeUndefined();
    expect(modeOf('--speech-to-speech')).toBe('speech-to-speech');
    expect(modeOf('--pipeline')).toBe('pipeline');
    expect(() => modeOf('--pipeline', '--speech-to-speech')).toThrow(/exclude each other/);
  });

  it.each([
    [[], 'nothing to say to the agent'],
    [['--bogus'], "Unknown option '--bogus'"],
    [['--say', ' '], '--say is empty'],
    [['--timeout', 'soon', 'a.wav'], '--timeout must be seconds above 0 and up to 3600, got "soon"'],
    [['--timeout', '0', 'a.wav'], '--timeout must be seconds'],
    [['--room', '../x', 'a.wav'], '--room must be 1 to 64 letters'],
    [['--url', 'host:3000', 'a.wav'], '--url must be an http address, got "host:3000"'],
  ])('refuses %j', (args, message) => {
    expect(() => parseCallOptions(args)).toThrow(UserError);
    expect(() => parseCallOptions(args)).toThrow(message);
  });
});

describe('turns', () => {
  it('names the file that is missing, a directory, no WAV, or empty', async () => {
    const text = join(directory, 'text.wav');
    await writeFile(text, 'these are words and no sound, however one looks at them, at any length');
    const empty = join(directory, 'empty.wav');
    await writeFile(empty, '');
    const refusal = (path: string) => loadTurns([{ kind: 'wav', path }], signal);
    await expect(refusal(join(directory, 'none.wav'))).rejects.toThrow('none.wav: there is no such file');
    await expect(refusal(directory)).rejects.toThrow('it is a directory');
    await expect(refusal(text)).rejects.toThrow(UserError);
    await expect(refusal(text)).rejects.toThrow('text.wav');
    await expect(refusal(empty)).rejects.toThrow(UserError);
  });

  it('speaks a text', async () => {
    const [turn] = await loadTurns([{ kind: 'say', text: 'Good morning.' }], signal);
    if (turn?.kind !== 'speech') throw new Error('expected speech');
    const seconds = turn.samples.length / turn.sampleRateHz;
    expect(seconds).toBeGreaterThan(0.4);
    expect(seconds).toBeLessThan(4);
    expect(turn.label).toBe('"Good morning."');
  });
});

describe('the room', () => {
  const options = { room: 'mine', persona: 'sales' };

  async function withApplication<T>(handler: RequestListener, use: (url: URL) => Promise<T>): Promise<T> {
    const server = createServer(handler);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  it('comes from the running application', async () => {
    let asked = '';
    const access = await withApplication(
      async (request, response) => {
        for await (const chunk of request) asked += chunk;
        response.end(JSON.stringify({ url: 'ws://x', token: 't', room: 'mine', identity: 'c' }));
      },
      (url) => requestRoom({ ...options, url }, {}, signal),
    );
    expect(access).toEqual({ url: 'ws://x', token: 't', room: 'mine' });
    expect(JSON.parse(asked)).toEqual({ name: 'Caller at the terminal', room: 'mine', persona: 'sales' });
  });

  it('passes on why the application refuses', async () => {
    const refusal = withApplication(
      (_, response) => {
        const error = { message: 'there is no persona "sales"', fix: 'choose one of: support' };
        response.writeHead(404).end(JSON.stringify({ error }));
      },
      (url) => requestRoom({ ...options, url }, {}, signal),
    );
    await expect(refusal).rejects.toMatchObject({
      message: 'there is no persona "sales"',
      fix: 'choose one of: support',
    });
  });

  it('says when something else answers, or nothing', async () => {
    const other = withApplication(
      (_, response) => response.end('<html>hello</html>'),
      (url) => requestRoom({ ...options, url }, {}, signal),
    );
    await expect(other).rejects.toThrow('answered 200 and no room');
    const gone = await withApplication(
      () => {},
      async (url) => url,
    );
    await expect(requestRoom({ ...options, url: gone }, {}, signal)).rejects.toThrow('nothing listens there');
  });

  it('is on the LiveKit server of the environment when no address is given', async () => {
    const env = {
      LIVEKIT_URL: 'ws://lk',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 'x'.repeat(32),
      AGENT_NAME: 'bp',
    };
    const access = await requestRoom({ ...options, url: undefined }, env, signal);
    const claims = JSON.parse(Buffer.from(access.token.split('.')[1] ?? '', 'base64url').toString());
    expect(access).toMatchObject({ url: 'ws://lk', room: 'mine' });
    expect(claims).toMatchObject({
      iss: 'key',
      video: { room: 'mine', roomJoin: true },
      attributes: { persona: 'sales' },
    });
    expect(claims.roomConfig.agents).toEqual([expect.objectContaining({ agentName: 'bp' })]);
  });
});

describe('the report', () => {
  const turns = [
    {
      turn: 1,
      kind: 'speech',
      label: 'a.wav',
      answered: true,
      voiceToVoiceMs: 640.4,
      cutInMs: undefined,
      stoppedAfterMs: 210,
    },
    {
      turn: 2,
      kind: 'text',
      label: '"hi"',
      answered: true,
      voiceToVoiceMs: 300,
      cutInMs: undefined,
      stoppedAfterMs: undefined,
    },
    {
      turn: 3,
      kind: 'speech',
      label: 'b.wav',
      answered: true,
      voiceToVoiceMs: 701,
      cutInMs: 90,
      stoppedAfterMs: undefined,
    },
    {
      turn: 4,
      kind: 'speech',
      label: 'c.wav',
      answered: false,
      voiceToVoiceMs: undefined,
      cutInMs: undefined,
      stoppedAfterMs: undefined,
    },
  ] as const;
  const outcome = { room: 'x', planned: 5, recording: { file: 'o.wav', durationMs: 12_340 }, cut: 'interrupted' };
  const printed = (make: typeof createTextReport, use: (report: ReturnType<typeof createTextReport>) => void) => {
    const lines: string[] = [];
    use(make({ write: (text) => lines.push(text) }));
    return lines.join('').split('\n').slice(0, -1);
  };

  it('tells people how each turn went', () => {
    const lines = printed(createTextReport, (report) => {
      for (const turn of turns) report.turnEnded(turn);
      report.ended({ agentCame: true, turns }, outcome);
    });
    expect(lines.map((line) => line.trim())).toEqual([
      'turn 1: voice to voice 640 ms; interrupted, the agent went on for 210 ms',
      'turn 2: text to voice 300 ms',
      "turn 3: voice to voice 701 ms; the agent cut in 90 ms before the caller's end",
      'turn 4: no answer',
      'the call ended early: interrupted',
      '3 of 5 turns answered in room x, median voice to voice 671 ms',
      'recording: o.wav (12.3 s)',
    ]);
  });

  it('tells programs the same, one object per line', () => {
    const [line] = printed(createJsonReport, (report) => report.ended({ agentCame: true, turns }, outcome));
    expect(JSON.parse(line ?? '')).toMatchObject({
      event: 'summary',
      agentCame: true,
      medianVoiceToVoiceMs: 671,
      recording: { file: 'o.wav', durationMs: 12_340 },
      turns: [{ turn: 1, voiceToVoiceMs: 640 }, {}, {}, { turn: 4, answered: false }],
    });
  });
});

describe('the command', () => {
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      const script = fileURLToPath(new URL('../../src/cli/call.ts', import.meta.url));
      execFile(process.execPath, [script, ...args], { cwd: directory }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it('shows its help', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: pnpm call');
  });

  it('ends with 2 and one line for a file that is none', async () => {
    expect(await run('none.wav')).toEqual({
      code: 2,
      stdout: '',
      stderr: '✖ cannot read none.wav: there is no such file → give the path of a WAV file\n',
    });
  });
});
