// What a caller's client may send besides clean audio: rubbish, nothing, another microphone. The call goes on.
import { AudioFrame, AudioSource, LocalAudioTrack, TrackPublishOptions, TrackSource } from '@livekit/rtc-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVendorCalls, type VendorCall, type VendorCalls } from './support/vendor-calls.ts';

const CHAINS = { stt: ['deepgram', 'google'], llm: ['openrouter', 'openai'], tts: ['cartesia', 'elevenlabs'] };

describe('9. malformed audio and data from the caller', () => {
  let calls: VendorCalls;
  let call: VendorCall;
  beforeAll(async () => {
    calls = await startVendorCalls(CHAINS);
    call = await calls.join();
  });
  afterAll(async () => {
    await call?.caller.leave();
    await calls?.stop();
  });

  it('9. malformed data from the caller: rubbish on every topic, an empty message; the call goes on', async () => {
    const { localParticipant } = call.caller.room;
    const rubbish = Uint8Array.from({ length: 1_000 }, (_, index) => (index * 167) % 256);
    for (const topic of [undefined, 'lk.chat', 'lk.transcription', 'lk-chat-topic', 'bulletproof.stages']) {
      await localParticipant?.publishData(rubbish, { reliable: true, ...(topic && { topic }) });
      await localParticipant?.publishData(new Uint8Array(0), { reliable: true, ...(topic && { topic }) });
    }
    await localParticipant?.setAttributes({ language: '%%%', persona: '', 'lk.agent.state': 'speaking' });
    await localParticipant?.updateMetadata('{"persona":');
    await call.caller.sendText('');
    await call.caller.sendText(' \n ');
    const bytes = await localParticipant?.streamBytes({ topic: 'lk.chat', name: 'rubbish' });
    await bytes?.write(rubbish);
    await bytes?.close();

    await call.expectWhole(await call.say());
    // Silence was no message.
    expect(call.conversation('caller')).toHaveLength(1);
    expect(call.caller.gone).toBeUndefined();
  });

  it('9. malformed audio from the caller: clipped noise, then words', async () => {
    const sampleRateHz = 48_000;
    const noise = Int16Array.from({ length: sampleRateHz / 5 }, (_, index) => (index % 3 === 0 ? 32_767 : -32_768));
    await call.caller.speak(noise, sampleRateHz);
    await call.caller.speak(new Int16Array(sampleRateHz / 100).fill(32_767), sampleRateHz);
    await call.expectWhole(await call.say());
    expect(call.conversation('caller')).toHaveLength(2);
  });

  it('9. a second track of another rate and other channels from the caller: the first is still heard', async () => {
    const source = new AudioSource(16_000, 2, 0);
    const track = LocalAudioTrack.createAudioTrack('second', source);
    const options = new TrackPublishOptions({ source: TrackSource.SOURCE_SCREENSHARE_AUDIO });
    const { localParticipant } = call.caller.room;
    const publication = await localParticipant?.publishTrack(track, options);
    const frames = setInterval(() => {
      source.captureFrame(new AudioFrame(new Int16Array(320), 16_000, 2, 160)).catch(() => {});
    }, 10);
    try {
      await call.expectWhole(await call.say());
    } finally {
      clearInterval(frames);
    }
    await localParticipant?.unpublishTrack(publication?.sid as string);
    await source.close();
    await call.expectWhole(await call.say());
    expect(call.conversation('caller')).toHaveLength(4);
    expect(call.switches()).toEqual([]);
  });
});
