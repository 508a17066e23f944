// What real vendors of voices do when nothing is wrong, one case each: it costs no switch, no block and no second bill.
import { describe, expect, it, onTestFinished } from 'vitest';
import { startCartesia } from '../../../fixtures/vendors/cartesia.ts';
import { startElevenLabs } from '../../../fixtures/vendors/elevenlabs.ts';
import { spellCodes, spokenChars } from '../../../src/text/spell-codes.ts';
import { cartesia } from '../../../src/tts/providers/cartesia.ts';
import { elevenlabs } from '../../../src/tts/providers/elevenlabs/elevenlabs.ts';
import { numbered, TestChain } from '../../support/chain-reply.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ScriptedTts } from '../../support/scripted-tts.ts';
import { listen, tryToListen } from '../support/voice-vendor.ts';

describe('ElevenLabs', () => {
  it('is told to close a context once its last text has sounded, and asked once more where it lost one', async () => {
    const vendor = await startElevenLabs({ paceMs: 10 });
    const client = elevenlabs.create({ env: { ELEVENLABS_API_KEY: 'key', ELEVENLABS_BASE_URL: vendor.url } });
    onTestFinished(async () => {
      await client.close();
      await vendor.close();
    });
    vendor.faults.fail({ kind: 'empty' });
    expect((await listen(client, 'w1 w2 w3.')).tones).toEqual([1, 2, 3]);
    const texts = vendor.messages.filter(({ text }) => text?.includes('w1'));
    expect(texts).toHaveLength(2);
    expect(vendor.requests).toHaveLength(1);
  });
});

describe('Cartesia', () => {
  it('that has its plan’s contexts under way is left alone for 1.5 s, not for a minute', async () => {
    const vendor = await startCartesia({ maxContexts: 0 });
    const client = cartesia.create({ env: { CARTESIA_API_KEY: 'key', CARTESIA_BASE_URL: vendor.url } });
    onTestFinished(async () => {
      await client.close();
      await vendor.close();
    });
    expect((await tryToListen(client, ['w1.'])).error).toMatchObject({ kind: 'rate-limit', retryAfterMs: 1_500 });
    // Once more after a moment, as what was cancelled may be generated still.
    expect(vendor.messages.filter(({ transcript }) => transcript?.includes('w1'))).toHaveLength(2);
  });
});

describe('Deepgram', () => {
  it('is flushed by the sentence where it limits flushes, after a first clause at once', async () => {
    const clock = new FakeClock();
    const voice = new ScriptedTts('a', clock, { wordTimes: 'none' });
    Object.assign(voice.link.traits, { leastFlushChars: 90 });
    const chain = new TestChain(clock, [voice]);
    const reply = await chain.say(`${numbered(0, 18)} ${numbered(18, 48)}`, 30_000);
    expect(voice.written[0]?.match(/\|/g)).toHaveLength(3);
    expect(reply.tones).toEqual(Array.from({ length: 48 }, (_, word) => word));
  });

  it('is given codes letter by letter, and expected to take as long as letters do', () => {
    expect(spellCodes('Your code is AB12-X9, not COVID-19.')).toBe('Your code is A B 1 2 X 9, not COVID-19.');
    expect(spokenChars('AB12X9')).toBeGreaterThan(3 * 'AB12X9'.length);
  });
});

describe('the chain', () => {
  it('keeps a socket of each fallback warm, in its voice, while the call talks', async () => {
    const clock = new FakeClock();
    const [first, second, reserve] = ['a', 'b', 'c'].map((id) => new ScriptedTts(id, clock)) as ScriptedTts[];
    const warmed: unknown[] = [];
    for (const { link } of [first, second, reserve] as ScriptedTts[]) {
      link.client.warm = async (voicing) => void warmed.push([link.id, voicing]);
    }
    Object.assign((reserve as ScriptedTts).link.traits, { isReserve: true });
    const chain = new TestChain(clock, [first, second, reserve] as ScriptedTts[]);
    await chain.say('w0 w1.');
    await chain.say('w0 w1.');
    expect(warmed).toEqual([['b', { voice: 'v', language: 'en-US' }]]);
  });

  it('asks the one that lost a hedge first in the next turn: it was late, and is not suspect', async () => {
    const clock = new FakeClock();
    const links = ['a', 'b'].map((id) => new ScriptedTts(id, clock)) as [ScriptedTts, ScriptedTts];
    links[0].faults.push({ does: 'slow-first', byMs: 600 });
    const chain = new TestChain(clock, links, { hedgeShare: 0.05 });
    await chain.say('w0 w1.');
    await chain.say('w2 w3.');
    expect(chain.served).toEqual(['b', 'a']);
    expect(chain.board.health('tts/a')).toMatchObject({ failuresInRow: 0, suspect: undefined });
  });
});
