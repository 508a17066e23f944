// The words for what can go wrong in a call: each says what happened and what to do.
import { describe, expect, it } from 'vitest';
import { apiTrouble, disconnectTrouble, noAgent, TroubleError, troubleOf } from '../../src/http/page/error-text.ts';

const named = (name: string, more: object = {}) => Object.assign(new Error('words of the browser'), { name, ...more });

describe('the microphone', () => {
  it.each([
    ['NotFoundError', 'No microphone was found.', 'type-instead'],
    ['NotAllowedError', 'The microphone is not allowed.', 'type-instead'],
    ['PermissionDeniedError', 'The microphone is not allowed.', 'type-instead'],
    ['NotReadableError', 'The microphone can’t be used.', 'type-instead'],
    ['OverconstrainedError', 'The chosen microphone is gone.', 'retry'],
  ])('%s', (name, title, action) => {
    expect(troubleOf(named(name))).toMatchObject({ title, action });
  });
});

describe('the connection', () => {
  const url = 'ws://127.0.0.1:7880';

  it('tells a refused token from a server that is not there', () => {
    expect(troubleOf(named('ConnectionError', { reason: 0 }), url).title).toContain('refused');
    for (const reason of [1, 2, 5, 6]) {
      expect(troubleOf(named('ConnectionError', { reason }), url).title).toContain(`can’t be reached at ${url}`);
    }
  });

  it('is silent about a call that ended as calls end', () => {
    for (const reason of ['CLIENT_INITIATED', 'ROOM_DELETED', 'PARTICIPANT_REMOVED']) {
      expect(disconnectTrouble(reason)).toBeUndefined();
    }
    expect(disconnectTrouble('SERVER_SHUTDOWN')?.title).toContain('shut down');
    expect(disconnectTrouble('DUPLICATE_IDENTITY')?.title).toContain('somewhere else');
    expect(disconnectTrouble(undefined)?.title).toBe('The connection was lost.');
  });
});

it('shows the words of the API, and something without them', () => {
  expect(apiTrouble(503, { error: { message: 'LiveKit is not reachable', fix: 'start it' } })).toMatchObject({
    title: 'The call can’t be started: LiveKit is not reachable.',
    fix: 'Start it.',
  });
  for (const body of [undefined, null, 'gateway', { error: 5 }]) {
    expect(apiTrouble(502, body).title).toBe('The server of this page answered 502.');
  }
});

it('keeps the words that an error brings, and has some for any other', () => {
  expect(troubleOf(new TroubleError(noAgent))).toBe(noAgent);
  expect(troubleOf(named('SomethingElse')).fix).toContain('words of the browser');
  expect(troubleOf(undefined).title).toBe('The call could not be started.');
});
