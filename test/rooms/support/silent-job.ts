// A call process whose agent joins, says nothing and leaves with its caller: many of them fit on a small machine.
import { defineAgent } from '@livekit/agents';
import { RoomEvent } from '@livekit/rtc-node';

export default defineAgent({
  entry: async (context) => {
    await context.connect();
    context.room.on(RoomEvent.ParticipantDisconnected, () => context.shutdown());
  },
});
