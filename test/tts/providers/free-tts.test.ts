// The provider that is always there: the common suite, and what only it promises.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { voicedSpans } from '../../../src/audio/voiced-spans.ts';
import { UserError } from '../../../src/config/user-error.ts';
import { ProviderError } from '../../../src/failover/provider-error.ts';
import type { TtsClient, TtsOpenOptions } from '../../../src/tts/contract.ts';
import { freeTts } from '../../../src/tts/providers/free-tts.ts';
import { collect, ttsConformance } from '../../conformance/tts.ts';

ttsConformance('free-tts', () => freeTts.create({ env: {} }), { traits: freeTts.traits });

const rateHz = freeTts.traits.sampleRateHz;
const client = freeTts.create({ env: {} });
afterAll(() => client.close());

async function say(text: string, options: Partial<TtsOpenOptions> = {}, from: TtsClient = client) {
  const session = from.open({ voice: 'slt', language: 'en-US', signal: new AbortController().signal, ...options });
  session.write(text);
  session.end();
  return collect(session.parts);
}

const audioOf = (parts: Awaited<ReturnType<typeof say>>) =>
  parts.flatMap((part) => (part.type === 'audio' ? [part.samples] : []));

/** Of the quiet spans within the joined clauses, the longest. */
function longestGapMs(pieces: readonly Int16Array[]): number {
  const joined = Int16Array.from(pieces.flatMap((piece) => [...piece]));
  const spans = voicedSpans(joined, rateHz, { aboveDbfs: -50, bridgeMs: 50 });
  return Math.max(...spans.slice(1).map((span, index) => span.startMs - (spans[index]?.endMs ?? 0)));
}

describe('clauses', () => {
  it('become one piece of audio each', async () => {
    expect(audioOf(await say('Good morning. I have your order here. It is ready.'))).toHaveLength(3);
  });

  it("begin at once: the engine's silence is off the beginning and the end", async () => {
    const [samples = new Int16Array()] = audioOf(await say('Hello there.'));
    const spans = voicedSpans(samples, rateHz, { aboveDbfs: -50 });
    expect(spans[0]?.startMs).toBeLessThanOrEqual(60);
    expect((samples.length * 1000) / rateHz - (spans.at(-1)?.endMs ?? 0)).toBeLessThanOrEqual(60);
  });

  it("are a speaker's pause apart, longer after a sentence than after a comma", async () => {
    const afterSentence = longestGapMs(audioOf(await say('Good morning. Who is it?')));
    const afterComma = longestGapMs(audioOf(await say('Good morning Sir, who is it that I am speaking to?')));
    expect(afterSentence).toBeGreaterThan(280);
    expect(afterSentence).toBeLessThan(450);
    expect(afterComma).toBeGreaterThan(130);
    expect(afterComma).toBeLessThan(280);
  });

  it('without anything to say are left out', async () => {
    expect(await say('👍 … ***')).toEqual([{ type: 'segment-end' }]);
  });
});

describe('what is not handed out', () => {
  it('is whatever was made ahead when the reply is cancelled', async () => {
    const abort = new AbortController();
    const session = client.open({ voice: 'slt', language: 'en', signal: abort.signal });
    const parts = session.parts[Symbol.asyncIterator]();
    session.write('The first sentence. The second sentence. The third sentence.');
    session.flush();
    await parts.next();
    await say('This waits until the reply above is made.');
    abort.abort();
    expect(await parts.next()).toEqual({ done: true, value: undefined });
  });
});

describe('what it refuses', () => {
  it.each(['es', 'fr-FR', 'de', 'multi', ''])('is the language "%s", before any sound', async (language) => {
    const refused = say('Hola, ¿qué tal?', { language });
    await expect(refused).rejects.toThrow(ProviderError);
    await expect(refused).rejects.toMatchObject({
      kind: 'invalid-request',
      provider: 'free-tts',
      message: `free-tts speaks English only, and "${language}" was asked for: add another provider`,
    });
  });

  it('is a voice that it lacks', async () => {
    await expect(say('Hello.', { voice: 'alloy' })).rejects.toMatchObject({
      kind: 'invalid-request',
      message: 'free-tts has no voice "alloy"; it has rms, slt, awb, kal16',
    });
  });

  it('is to speak once it was closed', async () => {
    const own = freeTts.create({ env: {} });
    await own.close();
    await expect(say('Hello.', {}, own)).rejects.toMatchObject({ kind: 'server', provider: 'free-tts' });
  });
});

describe('any of its languages and voices', () => {
  it.each(['en', 'en-GB', 'EN-us'])('speaks when the language is written %s', async (language) => {
    expect(audioOf(await say('Hello.', { language }))).toHaveLength(1);
  });

  it('differ by voice', async () => {
    const [slt, rms] = [await say('Hello.'), await say('Hello.', { voice: 'rms' })];
    expect(audioOf(slt)[0]).not.toEqual(audioOf(rms)[0]);
  });
});

describe('a voice of the user’s own', () => {
  function voiceDirectory(...names: string[]) {
    const directory = mkdtempSync(join(tmpdir(), 'free-tts-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    for (const name of names) {
      if (name.endsWith('/')) mkdirSync(join(directory, name));
      else writeFileSync(join(directory, name), '');
    }
    return directory;
  }

  async function warmError(directory: string): Promise<UserError> {
    const own = freeTts.create({ env: { FREE_TTS_MODEL_DIR: directory } });
    onTestFinished(() => own.close());
    const error = await own.warm?.().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    return error as UserError;
  }

  it.each([
    ['the model (a file ending in .onnx)', ['tokens.txt', 'espeak-ng-data/']],
    ['tokens.txt', ['en_US-amy-low.onnx', 'espeak-ng-data/']],
    ['the directory espeak-ng-data', ['model.onnx', 'tokens.txt', 'voices.bin']],
  ])('without %s is refused by name before any call', async (missing, names) => {
    const directory = voiceDirectory(...names);
    const error = await warmError(directory);
    expect(error.message).toBe(`FREE_TTS_MODEL_DIR: ${missing} is missing in ${directory}`);
    expect(error.fix).toContain('unset FREE_TTS_MODEL_DIR');
  });

  it('in a directory that is none is refused by name', async () => {
    const error = await warmError(join(tmpdir(), 'no-such-voice'));
    expect(error.message).toMatch(/cannot read the directory .*no-such-voice: ENOENT/);
  });

  it('names the package that reads it where that is not installed', async () => {
    const error = await warmError(voiceDirectory('model.onnx', 'tokens.txt', 'espeak-ng-data/'));
    expect(error.message).toContain('sherpa-onnx-node');
    expect(error.fix).toContain('pnpm add sherpa-onnx-node');
  });

  it('fails a reply as a provider does when it was never warmed', async () => {
    const own = freeTts.create({ env: { FREE_TTS_MODEL_DIR: voiceDirectory('tokens.txt') } });
    onTestFinished(() => own.close());
    await expect(say('Hello.', {}, own)).rejects.toMatchObject({ kind: 'server', provider: 'free-tts' });
  });
});
