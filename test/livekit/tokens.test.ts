// What a token lets its holder do.
import { TokenVerifier } from 'livekit-server-sdk';
import { expect, test } from 'vitest';
import { issueToken } from '../../src/livekit/tokens.ts';

const keys = { apiKey: 'testkey', apiSecret: 'a-secret-for-tests-of-more-than-32-characters' };
const verifier = new TokenVerifier(keys.apiKey, keys.apiSecret);

test('lets one participant into one room, and no more', async () => {
  const token = await issueToken({
    ...keys,
    room: 'r1',
    identity: 'ann',
    name: 'Ann',
    attributes: { persona: 'sales' },
  });
  const claims = await verifier.verify(token);
  expect(claims).toMatchObject({ sub: 'ann', name: 'Ann', attributes: { persona: 'sales' } });
  expect(claims.video).toEqual({
    room: 'r1',
    roomJoin: true,
    canPublish: true,
    canPublishData: true,
    canSubscribe: true,
  });
  expect(claims.roomConfig).toBeUndefined();
});

test('is valid for as long as it says', async () => {
  const seconds = async (ttlSeconds?: number) => {
    const { exp = 0, nbf = 0 } = await verifier.verify(
      await issueToken({ ...keys, room: 'r', identity: 'i', ttlSeconds }),
    );
    return exp - nbf;
  };
  expect(await seconds()).toBe(3_600);
  expect(await seconds(60)).toBe(60);
});

test('carries the dispatch of a named agent and the metadata of the room', async () => {
  const options = { ...keys, room: 'r', identity: 'i', agentName: 'bulletproof', roomMetadata: '{"persona":"sales"}' };
  const claims = await verifier.verify(await issueToken(options));
  expect(claims.roomConfig).toMatchObject({ metadata: '{"persona":"sales"}', agents: [{ agentName: 'bulletproof' }] });
});

test.each([
  { room: '', identity: 'i' },
  { room: 'r', identity: '' },
  { room: 'r', identity: 'i', ttlSeconds: 0 },
])('refuses %o', async (options) => {
  await expect(issueToken({ ...keys, ...options })).rejects.toThrow(RangeError);
});
