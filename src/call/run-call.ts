// One call from the caller's arrival to the end: persona, session, greeting, and what the page is told.
import { type JobContext, type VAD, voice } from '@livekit/agents';
import { ParticipantKind, type RemoteParticipant } from '@livekit/rtc-node';
import { type Links, linksOfStage } from '../chains/links.ts';
import type { Environment } from '../config/environment.ts';
import type { Persona } from '../config/persona.ts';
import type { Config } from '../config/schema.ts';
import type { FailoverOptions } from '../failover/failover.ts';
import type { HealthBoard } from '../failover/health-board.ts';
import type { Logger } from '../telemetry/log.ts';
import { greetingInstructions } from '../text/greeting-prompt.ts';
import { chooseMode } from './choose-mode.ts';
import { choosePersona } from './choose-persona.ts';
import { followConversation, type Heard } from './conversation.ts';
import { reportFailover } from './failover-reports.ts';
import type { Journal } from './journal.ts';
import { chooseLanguage, linksInLanguage } from './language.ts';
import { LastResortCall } from './last-resort-call.ts';
import type { MessageStore } from './messages.ts';
import type { Outbox } from './outbox.ts';
import { createRoomSignals, type RoomSignals } from './room-signals.ts';
import { Serving } from './serving.ts';
import { createSession } from './session.ts';
import { createSpeechToSpeechSession, REALTIME_RATE_HZ } from './speech-to-speech.ts';
import { toLiveKitTools } from './tools.ts';
import { typedTextReader } from './typed-text.ts';
import { watchLength } from './watch-length.ts';

/** What a call process prepares before its call. */
export interface CallResources {
  readonly config: Config;
  readonly env: Environment;
  readonly personas: ReadonlyMap<string, Persona>;
  readonly links: Links;
  /** Provider health shared by all calls; where absent, the process keeps its own. */
  readonly board?: HealthBoard;
  readonly vad: VAD;
  readonly journal: Journal;
  /** Keeps what tools could not hand over, to send it later. */
  readonly outbox: Pick<Outbox, 'put'>;
  /** Stores recorded messages; where absent, no message is taken. */
  readonly messages?: MessageStore;
  readonly log: Logger;
  /** Called with every message of the conversation as it was heard. */
  readonly onHeard?: (heard: Heard) => void;
}

export async function runCall(context: JobContext, resources: CallResources): Promise<void> {
  await context.connect();
  const caller = await context.waitForParticipant();
  const roomName = context.room.name ?? '';
  const callId = context.job.id;
  const log = resources.log.child({ session_id: callId, room: roomName });

  const { persona, unknown } = choosePersona(
    resources.personas,
    resources.config.persona.default,
    context.room.metadata ?? '',
    caller.attributes,
  );
  const { config, vad } = resources;
  const language = chooseLanguage(caller.attributes.language ?? persona.languages[0], resources.links);
  const links = linksInLanguage(resources.links, language.language);
  const signals = createRoomSignals(context.room, log);
  const { mode, notice } = chooseMode(
    persona,
    context.room.metadata ?? '',
    caller.attributes,
    links.realtime.length > 0,
  );
  const isSpeechToSpeech = mode === 'speech-to-speech';
  const serving = new Serving(links, mode, () => void signals.stages(serving.now));
  const record = (type: string, data: Readonly<Record<string, unknown>>) =>
    resources.journal.record({ type, callId, room: roomName, persona: persona.id, data });
  const lastResort = new LastResortCall({
    settings: config.lastResort,
    persona,
    language: language.language,
    callId,
    room: context.room,
    caller,
    messages: resources.messages,
    log,
    onTell: (text) => void signals.notice('warning', text),
    record,
    hangUp: () => hangUp(),
  });
  const hangUp = async () => {
    await context.deleteRoom();
    await session.close();
  };
  context.addShutdownCallback(() => lastResort.close());
  const onAnswer = countTurns(signals, log);
  const create = isSpeechToSpeech ? createSpeechToSpeechSession : createSession;
  const session: voice.AgentSession = create({
    links,
    persona,
    language: language.language,
    turns: config.turns,
    vad,
    returnToRealtime: config.failover.returnToRealtime,
    onAnswer,
    failover: {
      ...failoverOptions(resources),
      ...reportFailover({
        log,
        // While a link serves speech to speech, a stage of the pipeline (its last link) may have no provider without harm.
        onExhausted: (stage) => (stage === 'realtime') === isSpeechToSpeech && lastResort.events.onExhausted(stage),
        onRecovered: (stage) => lastResort.events.onRecovered(stage),
        onSwitch: (event) => void signals.switched(event),
        onServing: (stage, provider, isReserve) => serving.serves(stage, provider, isReserve),
      }),
    },
  });
  // Opens connections to the providers that will serve while the call is being answered.
  for (const { stage } of serving.now)
    void linksOfStage(links, stage)[0]
      ?.client.warm?.()
      .catch(() => undefined);
  const calling = new AbortController();

  reportTurns(session, onAnswer);
  if (resources.onHeard) followConversation(session, resources.onHeard);
  session.on(voice.AgentSessionEventTypes.Error, ({ error }) => {
    log.error({ event: 'connection_failed', error: describe(error) }, 'a stage failed');
  });
  session.on(voice.AgentSessionEventTypes.Close, ({ reason }) => {
    calling.abort();
    void lastResort.close();
    log.info({ event: 'call_ended', reason }, 'call ended');
    context.shutdown(String(reason));
  });

  const agent = new voice.Agent({
    instructions: persona.instructions,
    tools: toLiveKitTools(persona, {
      callId,
      room: roomName,
      personaId: persona.id,
      caller: callerOf(caller),
      signal: calling.signal,
      env: resources.env,
      outbox: resources.outbox,
      record,
      log: (level, event, fields) => log[level]({ event, ...fields }, event.replaceAll('_', ' ')),
    }),
  });
  await session.start({
    agent,
    room: context.room,
    record: false,
    // Uses the sample rates of the providers that listen and speak, so that nothing is resampled.
    inputOptions: {
      participantIdentity: caller.identity,
      audioSampleRate: isSpeechToSpeech ? REALTIME_RATE_HZ : firstOf(links.stt).traits.sampleRateHz,
      textInputCallback: typedTextReader(config.calls.typedChars, () =>
        signals.notice('warning', `A message may have ${config.calls.typedChars} characters; that one was not read.`),
      ),
    },
    outputOptions: { audioSampleRate: isSpeechToSpeech ? REALTIME_RATE_HZ : firstOf(links.tts).traits.sampleRateHz },
  });
  lastResort.attach(session, agent);
  const unwatch = watchLength({
    session,
    room: context.room,
    settings: config.calls,
    language: language.language,
    hasVoice: !isSpeechToSpeech,
    log,
    hangUp,
  });
  session.on(voice.AgentSessionEventTypes.Close, unwatch);
  log.info(
    {
      event: 'call_started',
      persona: persona.id,
      mode,
      ...Object.fromEntries(serving.now.map(({ stage, provider }) => [stage, provider])),
    },
    `call started with ${persona.id}`,
  );

  void signals.stages(serving.now);
  for (const text of [
    language.notice,
    notice,
    unknown && `No persona is called “${unknown}”, so ${persona.title} answers.`,
  ]) {
    if (!text) continue;
    log.warn({ event: 'notice' }, text);
    void signals.notice('warning', text);
  }
  // In speech to speech only the model has a voice, so it is asked to say the greeting.
  if (isSpeechToSpeech) session.generateReply({ instructions: greetingInstructions(persona.greeting) });
  else session.say(persona.greeting);
}

function firstOf<Link>(links: readonly Link[]): Link {
  return links[0] as Link;
}

function failoverOptions({ config, board }: CallResources): FailoverOptions {
  const { orderBy, region } = config.failover;
  return {
    settings: config.failover,
    ...(board && { board }),
    ...(orderBy && { orderBy }),
    ...(region && { region }),
  };
}

function callerOf(caller: RemoteParticipant): { identity: string; phoneNumber?: string } {
  // For a SIP caller the telephone network sets the number; anybody else's attribute proves nothing.
  const isByPhone = caller.kind === ParticipantKind.SIP;
  const phoneNumber = isByPhone ? caller.attributes['sip.phoneNumber'] : undefined;
  return { identity: caller.identity, ...(phoneNumber && { phoneNumber }) };
}

/** Reports each turn's time, from the caller's last voiced audio to the first frame that is handed to the room. */
function countTurns(signals: RoomSignals, log: Logger): (voiceToVoiceMs: number) => void {
  let turn = 0;
  return (voiceToVoiceMs) => {
    turn += 1;
    log.info(
      { event: 'turn_answered', turn, voice_to_voice_ms: voiceToVoiceMs },
      `turn ${turn} answered after ${voiceToVoiceMs} ms`,
    );
    void signals.turn(turn, voiceToVoiceMs);
  };
}

/** Reports the times that LiveKit measures; in speech to speech it measures none. */
function reportTurns(session: voice.AgentSession, onAnswer: (voiceToVoiceMs: number) => void): void {
  session.on(voice.AgentSessionEventTypes.ConversationItemAdded, ({ item }) => {
    if (item.type !== 'message' || item.role !== 'assistant' || item.metrics.e2eLatency === undefined) return;
    onAnswer(Math.round(item.metrics.e2eLatency * 1000));
  });
}

function describe(error: unknown): string {
  const inner = (error as { error?: unknown }).error ?? error;
  return inner instanceof Error ? inner.message : String(inner);
}
