// How each provider of each chain is, in the order of the chain: for the talk page.

import { PIPELINE } from '../config/schema.ts';
import { boardIds } from '../failover/board-ids.ts';
import type { Health } from '../failover/health.ts';
import type { ChainReport, ProviderReport } from '../http/deps.ts';
import { type Links, linksOfStage } from './links.ts';
import type { Plan } from './plan.ts';
import { providers } from './registry.ts';
import { PIPELINE_TITLE, STAGES } from './stages.ts';

type State = Pick<ProviderReport, 'state' | 'cause' | 'until'>;
const WORSE = ['well', 'suspect', 'left-alone'];
const rank = ({ state }: State) => WORSE.indexOf(state);

/** @param board what is known, by `stage/provider` and `stage/provider#key` */
export function chainHealth(
  plan: Plan,
  links: Links,
  board: ReadonlyMap<string, Health>,
  nowMs: number,
): readonly ChainReport[] {
  return STAGES.map((stage) => {
    const chain = plan[stage].links.map(({ id, reason }): ProviderReport => {
      const known = providers.find((provider) => provider.stage === stage && provider.id === id);
      const title = known?.title ?? (id === PIPELINE ? PIPELINE_TITLE : id);
      if (reason !== undefined) return { id, title, state: 'left-out', reason };
      const ofProvider = linksOfStage(links, stage).filter((link) => link.id === id);
      const made: readonly { readonly keyFingerprint?: string }[] = ofProvider.length > 0 ? ofProvider : [{}];
      const byKey = made.map(({ keyFingerprint }) =>
        // The service and its key fail independently.
        boardIds(stage, { id, keyFingerprint })
          .map((name) => stateOf(board.get(name), nowMs))
          .reduce((a, b) => (rank(b) > rank(a) ? b : a)),
      );
      const best = byKey.reduce<State | undefined>((a, b) => (a && rank(a) <= rank(b) ? a : b), undefined);
      return { id, title, ...(best ?? { state: 'well' }) };
    });
    const active = chain.find(({ state }) => state === 'well');
    return { stage, providers: chain.map((one) => (one === active ? { ...one, state: 'active' } : one)) };
  });
}

function stateOf(health: Health | undefined, nowMs: number): State {
  if (!health) return { state: 'well' };
  const { breaker, blocked, suspect, lastFailure } = health;
  const cause = lastFailure && {
    cause: { kind: lastFailure.kind, ...(lastFailure.status !== undefined && { status: lastFailure.status }) },
  };
  const until = (ms: number) => (Number.isFinite(ms) && ms > nowMs ? { until: new Date(ms).toISOString() } : {});
  if (breaker.kind === 'open') return { state: 'left-alone', ...cause, ...until(breaker.untilMs) };
  if (blocked && blocked.untilMs > nowMs) return { state: 'left-alone', ...cause, ...until(blocked.untilMs) };
  if (breaker.kind === 'half-open') return { state: 'suspect', ...cause };
  return suspect ? { state: 'suspect', ...cause, ...until(suspect.untilMs) } : { state: 'well' };
}
