// When a reply is late, whole, or none: on a clock that stands still, over models that give what the test says.
import { initializeLogger, llm } from '@livekit/agents';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryHealthBoard } from '../../../src/health/memory-board.ts';
import { RealtimeChain } from '../../../src/realtime/livekit/realtime-chain.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';
import { ScriptedRealtime, type ScriptedSession } from '../support/scripted-realtime.ts';

let clock: FakeClock;
let failures: string[];
let first: ScriptedRealtime;
let second: ScriptedRealtime;
let chain: RealtimeChain;
let session: llm.RealtimeSession;

beforeAll(() => initializeLogger({ pretty: false, level: 'silent' }));
beforeEach(async () => {
  clock = new FakeClock();
  failures = [];
  [first, second] = [new ScriptedRealtime('first'), new ScriptedRealtime('second')];
  chain = new RealtimeChain([first, second], {
    board: new MemoryHealthBoard(),
    clock,
    onFailure: (_stage, provider, { kind }) => failures.push(`${provider}: ${kind}`),
  });
  session = chain.session();
  await clock.advance(100);
});
afterEach(() => chain.close());

const serving = () => first.sessions[0] as ScriptedSession;

/** Asks for a reply, which begins after so long. */
async function begun(afterMs = 700) {
  const asked = session.generateReply();
  await clock.advance(afterMs);
  const generation = serving().generate();
  return { generation, asked };
}

async function audioMsOf({ messageStream }: llm.GenerationCreatedEvent): Promise<number> {
  let ms = 0;
  for await (const { audioStream } of messageStream) {
    for await (const { samplesPerChannel, sampleRate } of audioStream) ms += (samplesPerChannel * 1000) / sampleRate;
  }
  return ms;
}

describe('the stall of a reply', () => {
  it('has failed 2 s after what was handed over has played out, and no sooner', async () => {
    const { generation } = await begun();
    generation.write('And so it');
    generation.say(3_000);
    // The last moment of it is held back, for a break.
    await clock.advance(3_000 - 320 + 1_900);
    expect(failures).toEqual([]);
    await clock.advance(200);
    expect(failures).toEqual(['first: timeout']);
  });

  it('is none where all sentences are said: the reply is whole, though nobody says so', async () => {
    const { generation, asked } = await begun();
    generation.write('That is all.');
    generation.say(3_000);
    const heard = audioMsOf(await asked);
    await clock.advance(5_100);
    expect(await heard).toBe(3_000);
    expect(failures).toEqual([]);
  });

  it('is not between a preamble and what follows it', async () => {
    const { generation, asked } = await begun();
    generation.say(1_000);
    await clock.advance(2_500);
    generation.say(1_000);
    await clock.advance(2_500);
    generation.end();
    await clock.advance(100);
    expect(await audioMsOf(await asked)).toBe(2_000);
    expect(failures).toEqual([]);
  });
});

describe('the first result', () => {
  it('is waited for 4 s, and 8 s after a tool', async () => {
    const context = session.chatCtx;
    const call = llm.FunctionCall.create({ callId: 'c1', name: 'look_up', args: '{}' });
    context.items.push(
      call,
      llm.FunctionCallOutput.create({ callId: 'c1', name: 'look_up', output: 'w1', isError: false }),
    );
    await session.updateChatCtx(context);
    void session.generateReply();
    await clock.advance(7_900);
    expect(failures).toEqual([]);
    await clock.advance(200);
    expect(failures).toEqual(['first: timeout']);
    await clock.advance(3_900);
    expect(failures).toHaveLength(1);
  });

  it('is not what nobody can hear', async () => {
    const { generation } = await begun();
    generation.say(10_000, 20);
    await clock.advance(3_400);
    expect(failures).toEqual(['first: timeout']);
  });
});

describe('a generation with nothing in it', () => {
  it('that nobody asked for is nothing', async () => {
    const told: unknown[] = [];
    session.on('generation_created', (event) => told.push(event));
    serving().generate().end();
    await clock.advance(10_000);
    expect([told, failures, serving().asked]).toEqual([[], [], []]);
  });

  it('that was asked for is asked for once more, then blamed', async () => {
    const { generation } = await begun();
    generation.end();
    await settle();
    expect(serving().asked).toHaveLength(2);
    expect(failures).toEqual([]);
    serving().generate().end();
    await clock.advance(10);
    expect(failures).toEqual(['first: malformed']);
  });
});

it('a reply that ends in silence while words are due is gone on with', async () => {
  const { generation, asked } = await begun();
  const heard = audioMsOf(
    await Promise.race([
      asked,
      settle()
        .then(() => generation.say(600))
        .then(() => asked),
    ]),
  );
  generation.write('one two three four five six seven eight nine ten eleven twelve');
  generation.say(3_000, 5);
  generation.end();
  await clock.advance(50);
  expect(serving().asked).toHaveLength(2);
  const rest = serving().generate();
  rest.write('done.');
  rest.say(600);
  rest.end();
  await clock.advance(2_000);
  expect(await heard).toBeGreaterThan(1_000);
  expect(failures).toEqual([]);
});
