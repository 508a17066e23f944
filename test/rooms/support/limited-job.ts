// A call process with the limits of the variable LIMITS (JSON of `calls`), which takes memory without end when its caller says so by
// an attribute.
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';
import { type CallResources, runCall } from '../../../src/call/run-call.ts';
import { llmLinkFromPlugin } from '../../../src/llm/livekit.ts';
import { sttLinkFromPlugin } from '../../../src/stt/livekit-plugin.ts';
import { ttsLinkFromPlugin } from '../../../src/tts/livekit-plugin.ts';
import { InstantLlm, InstantStt, InstantTts } from '../../support/instant-providers.ts';
import { testResources } from '../../support/test-resources.ts';

const PIECE_BYTES = 20 * 1024 * 1024;

export default defineAgent<{ resources?: CallResources }>({
  prewarm: (proc) => {
    const links = {
      stt: [sttLinkFromPlugin(new InstantStt())],
      llm: [llmLinkFromPlugin(new InstantLlm())],
      tts: [ttsLinkFromPlugin(new InstantTts())],
      realtime: [],
    };
    const resources = testResources({ links });
    const calls = { ...resources.config.calls, ...(JSON.parse(process.env.LIMITS ?? '{}') as object) };
    proc.userData.resources = { ...resources, config: { ...resources.config, calls } };
  },
  entry: async (context) => {
    const taken: Buffer[] = [];
    context.room.on(RoomEvent.ParticipantAttributesChanged, (changed) => {
      if (changed.greedy) setInterval(() => taken.push(Buffer.alloc(PIECE_BYTES, 1)), 50);
    });
    await runCall(context, context.proc.userData.resources as CallResources);
  },
});
