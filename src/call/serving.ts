// Who serves a call, stage by stage, as whoever watches it is told.

import { type Links, linksOfStage } from '../chains/links.ts';
import { PIPELINE_STAGES, PIPELINE_TITLE, STAGES, type Stage } from '../chains/stages.ts';
import type { CallMode } from '../config/call-mode.ts';
import { PIPELINE } from '../config/schema.ts';
import type { ServingProvider } from './room-signals.ts';

export class Serving {
  readonly #links: Links;
  readonly #mode: CallMode;
  readonly #onChange: () => void;
  /** Provider id by stage. */
  readonly #serving: Map<Stage, string>;
  /** Stages that a last resort serves now, though the chain has better providers. */
  readonly #impaired = new Set<Stage>();

  /** The first link of each stage counts as serving until `serves` names another. */
  constructor(links: Links, mode: CallMode, onChange: () => void) {
    this.#links = links;
    this.#mode = mode;
    this.#onChange = onChange;
    this.#serving = new Map(STAGES.map((stage) => [stage, linksOfStage(links, stage)[0]?.id ?? PIPELINE]));
  }

  serves(stage: Stage, provider: string, isReserve = false): void {
    if (this.#serving.get(stage) === provider) return;
    this.#serving.set(stage, provider);
    if (isReserve) this.#impaired.add(stage);
    else this.#impaired.delete(stage);
    if (this.#stages.includes(stage)) this.#onChange();
  }

  /** The stages that the call uses now. */
  get now(): ServingProvider[] {
    return this.#stages.map((stage) => {
      const provider = this.#serving.get(stage) as string;
      const link = linksOfStage(this.#links, stage).find(({ id }) => id === provider);
      const title = link?.title ?? (provider === PIPELINE ? PIPELINE_TITLE : provider);
      return { stage, provider, title, state: this.#impaired.has(stage) ? 'last resort' : 'active' };
    });
  }

  /** When the pipeline serves speech to speech, its three stages are listed too. */
  get #stages(): readonly Stage[] {
    if (this.#mode === 'pipeline') return PIPELINE_STAGES;
    return this.#serving.get('realtime') === PIPELINE ? ['realtime', ...PIPELINE_STAGES] : ['realtime'];
  }
}
