// What a caller's client may send besides clean audio: rubbish, nothing, another microphone. The call goes on.
import {
  AudioFrame,
  AudioSource,
  LocalAudioTrack,
  RoomEvent,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
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

  it('9. another microphone in mid-call, of another rate and in stereo: the next words are whole', async () => {
    const { room } = call.caller;
    const before = [...(room.localParticipant?.trackPublications.keys() ?? [])];
    for (const sid of before) await room.localParticipant?.unpublishTrack(sid);
    const source = new AudioSource(16_000, 2);
    const isHeard = new Promise<void>((resolve) => room.once(RoomEvent.LocalTrackSubscribed, () => resolve()));
    await room.localParticipant?.publishTrack(
      LocalAudioTrack.createAudioTrack('headset', source),
      new TrackPublishOptions({ source: TrackSource.SOURCE_MICROPHONE }),
    );
    await isHeard;

    const { said, samples, sampleRateHz } = call.nextWords();
    expect(sampleRateHz).toBe(16_000);
    const sinceMs = call.caller.nowMs();
    const quiet = new Int16Array(sampleRateHz / 2);
    for (const part of [quiet, samples, quiet, quiet, quiet]) await speakInStereo(source, part);
    await call.expectWhole({ said, sinceMs });
    await source.close();
    expect(call.conversation('caller')).toHaveLength(3);
    expect(call.switchesAfter(0, [])).toEqual([]);
  });
});

/** In frames of 10 ms at 16 kHz; the source keeps the pace. */
async function speakInStereo(source: AudioSource, samples: Int16Array): Promise<void> {
  for (let at = 0; at + 160 <= samples.length; at += 160) {
    const both = Int16Array.from({ length: 320 }, (_, index) => samples[at + (index >> 1)] as number);
    await source.captureFrame(new AudioFrame(both, 16_000, 2, 160));
  }
}
