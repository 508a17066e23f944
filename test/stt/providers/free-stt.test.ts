// free-stt: what it hears of recorded and synthetic speech, what it refuses, and that it survives its thread.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadClip } from '../../../fixtures/audio/clips.ts';
import type { SpeechExpectation } from '../../../src/config/expectation.ts';
import { UserError } from '../../../src/config/user-error.ts';
import { FliteClient } from '../../../src/engines/flite/flite-client.ts';
import { PocketSphinxClient } from '../../../src/engines/pocketsphinx/pocketsphinx-client.ts';
import { createFreeStt, freeStt } from '../../../src/stt/providers/free-stt.ts';
import { collectStt, type SttWords, sttConformance } from '../../conformance/stt.ts';

const RATE_HZ = freeStt.traits.sampleRateHz;

sttConformance('free-stt', () => freeStt.create({ env: {} }), {
  traits: freeStt.traits,
  speech: loadClip('please-hold').samples,
  heard: /hold.*connect you/,
});

const client = freeStt.create({ env: {} });
const flite = new FliteClient();
beforeAll(() => client.warm?.(), 60_000);
afterAll(() => Promise.all([client.close(), flite.close()]));

const speak = (text: string) => flite.synthesize(text, 'rms', new AbortController().signal);

/** The finals of one caller who says these, one after another. */
async function hear(
  sounds: readonly Int16Array[],
  expectation: SpeechExpectation = { kind: 'open' },
  keyPhrases: readonly string[] = [],
): Promise<string[]> {
  const session = client.open({ language: 'en-US', keyPhrases, signal: new AbortController().signal });
  session.expect?.(expectation);
  for (const samples of sounds) {
    session.write(new Int16Array(RATE_HZ / 2));
    session.speech?.(true);
    for (let at = 0; at < samples.length; at += 320) session.write(samples.subarray(at, at + 320));
    session.write(new Int16Array(RATE_HZ / 2));
    session.speech?.(false);
  }
  session.end();
  return (await collectStt(session.parts)).flatMap((part) => (part.type === 'final' ? [part.text] : []));
}

describe('dictation', () => {
  it.each([
    ['not-answering', /number is not answering/],
    ['to-call-back', /call the person who sent this message/],
    ['only-person', /only person in this conference/],
  ])('hears the clip %s', async (name, expected) => {
    expect((await hear([loadClip(name).samples])).join(' ')).toMatch(expected);
  });

  it('hears what was said before voice activity was confirmed', async () => {
    const { samples } = loadClip('please-hold');
    const session = client.open({ language: 'en', signal: new AbortController().signal });
    const lateBy = 0.4 * RATE_HZ;
    session.write(samples.subarray(0, lateBy));
    session.speech?.(true);
    session.write(samples.subarray(lateBy));
    session.speech?.(false);
    session.end();
    const finals = (await collectStt(session.parts)).flatMap((part) =>
      part.type === 'final' ? [part as SttWords] : [],
    );
    expect(finals[0]?.text).toMatch(/^please hold/);
    expect(finals[0]?.words[0]?.startMs).toBeLessThan(400);
  });
});

describe('digits', () => {
  it.each([
    ['five five five, one two three four', '5551234'],
    ['two zero two, five five five, zero one double nine', '2025550199'],
    ['my number is five five five, one two three four', '5551234'],
  ])('are text where they are expected: %s', async (said, expected) => {
    // The first utterance of a caller is recognised worst, as the voice isn't known; a greeting comes first in calls too.
    expect(await hear([await speak('hello, good morning'), await speak(said)], { kind: 'digits' })).toContain(expected);
  });

  it('are heard in a recording, exactly once the voice is known', async () => {
    const { samples } = loadClip('number');
    const [first = '', second] = await hear([samples, samples], { kind: 'digits' });
    expect(first).toMatch(/^\d{6,8}$/);
    expect(second).toBe('5550127');
  });

  it.each(['I would rather not give my number', 'I want to speak to a real person', 'what are your opening hours'])(
    'are not made of something else: %s',
    async (said) => {
      const [text = ''] = await hear([await speak(said)], { kind: 'digits' });
      expect(text).not.toMatch(/\d/);
      expect(text.split(' ').length).toBeGreaterThan(3);
    },
  );
});

describe('yes and no', () => {
  it.each([
    ['yes', /^yes/],
    ['yes please', /^yes/],
    ['no, that is wrong', /^no\b/],
    ['that is correct', /correct/],
  ])('is heard: %s', async (said, expected) => {
    expect((await hear([await speak(said)], { kind: 'yes-no' })).join(' ')).toMatch(expected);
  });

  it('is not made of a question', async () => {
    expect((await hear([await speak('what are your opening hours')], { kind: 'yes-no' })).join(' ')).toMatch(/opening/);
  });
});

describe('phrases', () => {
  const phrases = ['speak to a real person', 'leave a message', 'Harbor Solar'];

  it.each([
    ['speak to a real person', /^speak to a real person$/],
    ['leave a message', /^leave a message$/],
  ])('are heard: %s', async (said, expected) => {
    expect((await hear([await speak(said)], { kind: 'phrases', phrases })).join(' ')).toMatch(expected);
  });

  it('leave room for anything else', async () => {
    const text = (await hear([await speak('what are your opening hours')], { kind: 'phrases', phrases })).join(' ');
    expect(text).toMatch(/opening/);
  });
});

it('puts a name that is spelt together', async () => {
  expect(await hear([await speak('hello, good morning'), await speak('f o x')], { kind: 'spelling' })).toContain('Fox');
});

it('learns a key phrase that no dictionary has', async () => {
  const said = await speak('zorbly, zorbly');
  expect((await hear([said], { kind: 'open' }, ['Zorbly'])).join(' ')).toMatch(/zorbly/);
});

describe('an empty room', () => {
  function noise(seconds: number, amplitude: number): Int16Array {
    let state = 7;
    return Int16Array.from({ length: seconds * RATE_HZ }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return (state / 2_147_483_647 - 0.5) * 2 * amplitude;
    });
  }
  const hum = Int16Array.from({ length: RATE_HZ }, (_, i) => 600 * Math.sin((2 * Math.PI * 50 * i) / RATE_HZ));

  it.each([
    ['faint hiss', noise(1, 30)],
    ['hiss', noise(2, 300)],
    ['loud hiss', noise(1, 2000)],
    ['hum', hum],
  ])('says nothing: %s', async (_what, samples) => {
    expect(await hear([samples])).toEqual([]);
    expect(await hear([samples], { kind: 'digits' })).toEqual([]);
    expect(await hear([samples], { kind: 'yes-no' })).toEqual([]);
  });

  it('doesn’t spoil what is said next', async () => {
    expect((await hear([noise(2, 300), loadClip('please-hold').samples])).join(' ')).toMatch(/hold/);
  });
});

describe('what it refuses', () => {
  it.each(['es', 'fr-FR', 'de', ''])('is the language "%s"', async (language) => {
    const session = client.open({ language, signal: new AbortController().signal });
    session.write(new Int16Array(320));
    session.end();
    await expect(collectStt(session.parts)).rejects.toMatchObject({
      kind: 'invalid-request',
      provider: 'free-stt',
      message: `free-stt understands English only, and "${language}" was asked for: add another provider`,
    });
  });
});

describe('its thread', () => {
  /** Answers every utterance with its length, and obeys what is expected of the caller: crash, exit or hang. */
  const obedientThread = new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads';
      parentPort.postMessage({ type: 'ready' });
      let total = 0;
      parentPort.on('message', ({ type, utterance, expectation, samples }) => {
        const order = expectation?.phrases?.[0];
        if (order === 'crash') throw new Error('out of order');
        if (order === 'exit') process.exit(7);
        if (order === 'hang') for (;;);
        if (type === 'begin') total = 0;
        if (type === 'audio') total += samples.length;
        if (type === 'end') {
          parentPort.postMessage({ type: 'final', utterance, heard: { text: String(total), confidence: 1, words: [] } });
        }
      });
    `)}`,
  );

  function obedient() {
    const own = createFreeStt(new PocketSphinxClient({ workerUrl: obedientThread, timeoutMs: 500 }));
    onTestFinished(() => own.close());
    return async (order: string) => {
      const session = own.open({ language: 'en', signal: new AbortController().signal });
      session.expect?.({ kind: 'phrases', phrases: [order] });
      session.speech?.(true);
      session.write(new Int16Array(1000));
      session.speech?.(false);
      session.end();
      return collectStt(session.parts);
    };
  }

  it.each([
    ['crash', 'server', /crashed.*out of order/],
    ['exit', 'server', /ended with code 7/],
    ['hang', 'timeout', /no answer for 500 ms/],
  ])('is replaced after a %s, which the caller’s session sees as one error', async (order, kind, message) => {
    const ask = obedient();
    await expect(ask(order)).rejects.toMatchObject({
      kind,
      provider: 'free-stt',
      message: expect.stringMatching(message),
    });
    expect(await ask('listen')).toContainEqual(expect.objectContaining({ type: 'final', text: '1000' }));
  });
});

describe('a model of the user’s own', () => {
  async function warmError(...names: string[]): Promise<UserError> {
    const directory = mkdtempSync(join(tmpdir(), 'free-stt-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    for (const name of names) writeFileSync(join(directory, name), '');
    const own = freeStt.create({ env: { FREE_STT_MODEL_DIR: directory } });
    onTestFinished(() => own.close());
    const error = await own.warm?.().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  }

  it.each([
    ['encoder', ['decoder.onnx', 'joiner.onnx', 'tokens.txt']],
    ['decoder', ['encoder.onnx', 'joiner.onnx', 'tokens.txt']],
    ['tokens', ['tiny.en-encoder.int8.onnx', 'tiny.en-decoder.int8.onnx']],
  ])('without its %s is refused by name before any call', async (missing, names) => {
    const error = await warmError(...names);
    expect(error.message).toContain(`the ${missing} (a file with "${missing}" in its name) is missing in`);
    expect(error.fix).toContain('unset FREE_STT_MODEL_DIR');
  });

  it('names the package that reads it where that is not installed', async () => {
    const error = await warmError('encoder.onnx', 'decoder.onnx', 'joiner.onnx', 'tokens.txt');
    expect(error.message).toContain('sherpa-onnx-node');
    expect(error.fix).toContain('pnpm add sherpa-onnx-node');
  });

  it('in a directory that is none is refused by name', async () => {
    const own = freeStt.create({ env: { FREE_STT_MODEL_DIR: join(tmpdir(), 'no-such-model') } });
    await expect(own.warm?.()).rejects.toThrow(/cannot read the directory .*no-such-model: ENOENT/);
  });
});
