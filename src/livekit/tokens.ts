// Tokens that let a participant into a room.
import { AccessToken, RoomAgentDispatch, RoomConfiguration, TrackSource } from 'livekit-server-sdk';

export interface TokenOptions {
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly room: string;
  /** Unique within the room: a second participant with the same identity removes the first. */
  readonly identity: string;
  /** Shown to the other participants. */
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** How long the token can be used to join; a participant in the room may stay. An hour by default. */
  readonly ttlSeconds?: number | undefined;
  /** Agent that is sent into the room when the participant creates the room by joining. */
  readonly agentName?: string | undefined;
  /** The participant may publish a microphone and no other source. */
  readonly microphoneOnly?: boolean | undefined;
  /** Metadata that the room gets when the participant creates it by joining. */
  readonly roomMetadata?: string | undefined;
}

const DEFAULT_TTL_SECONDS = 3_600;

/**
 * A JWT with the right to join that one room, speak, listen and send data.
 * @throws RangeError when room or identity is empty, or the time is not above 0
 */
export async function issueToken(options: TokenOptions): Promise<string> {
  const { apiKey, apiSecret, room, identity, name, attributes, agentName, roomMetadata, microphoneOnly } = options;
  const ttlSeconds = options.ttlSeconds ?? DEFAULT_TTL_SECONDS;
  if (!room || !identity) throw new RangeError(`a token needs a room and an identity, got "${room}" and "${identity}"`);
  if (!(ttlSeconds > 0)) throw new RangeError(`ttlSeconds must be above 0, got ${ttlSeconds}`);
  const token = new AccessToken(apiKey, apiSecret, {
    identity,
    ttl: ttlSeconds,
    ...(name !== undefined && { name }),
    ...(attributes && { attributes: { ...attributes } }),
  });
  token.addGrant({
    room,
    roomJoin: true,
    canPublish: true,
    canPublishData: true,
    canSubscribe: true,
    ...(microphoneOnly && { canPublishSources: [TrackSource.MICROPHONE] }),
  });
  if (agentName || roomMetadata !== undefined) {
    token.roomConfig = new SparseRoomConfiguration({
      ...(agentName && { agents: [new RoomAgentDispatch({ agentName })] }),
      ...(roomMetadata !== undefined && { metadata: roomMetadata }),
    });
  }
  return token.toJwt();
}

/** Leaves out what is not set: the SDK would write fields that an older server does not know, so that it refuses the token. */
class SparseRoomConfiguration extends RoomConfiguration {
  override toJson(options?: Parameters<RoomConfiguration['toJson']>[0]): ReturnType<RoomConfiguration['toJson']> {
    return super.toJson({ ...options, emitDefaultValues: false });
  }
}
