// Shows each stage's chain with the health of its providers, and in the demonstration the buttons that break them.
import { type StageReport, stageNames } from './agent-messages.ts';
import { breakVendor, type ChainReport, fetchChains, fetchFaults, type ProviderReport } from './api.ts';
import { byId, make } from './elements.ts';
import { healthText } from './provider-words.ts';

const POLL_EVERY_MS = 2_000;
const FAULTS = { quota: 'Quota', 'time-out': 'Time-out', drop: 'Drop', slow: 'Slow', mend: 'Mend' } as const;

interface Row {
  readonly item: HTMLElement;
  readonly words: HTMLElement;
  readonly serves: HTMLElement;
  readonly buttons: ReadonlyMap<string, HTMLElement>;
}

export class ProvidersView {
  readonly #onError: (error: unknown) => void;
  readonly #onChains: (chains: readonly ChainReport[]) => void;
  #rows = new Map<string, Row>();
  /** The chains and vendors that the rows were made for: unchanged ones keep their rows, and so the keyboard's focus. */
  #made = '';
  #titles = new Map<string, string>();
  #serving: readonly StageReport[] = [];
  #isRealtimeFirst = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Polls the server from now on, while the page is visible. */
  constructor(onError: (error: unknown) => void, onChains: (chains: readonly ChainReport[]) => void) {
    this.#onError = onError;
    this.#onChains = onChains;
    document.addEventListener('visibilitychange', () => void this.#poll());
    void this.#poll();
  }

  readonly titleOf = (stage: string, id: string): string => this.#titles.get(`${stage}/${id}`) ?? id;

  /** Shows speech to speech above the three stages when the visitor chose it. */
  lead(isRealtimeFirst: boolean): void {
    if (isRealtimeFirst === this.#isRealtimeFirst) return;
    this.#isRealtimeFirst = isRealtimeFirst;
    void this.#poll();
  }

  serve(reports: readonly StageReport[]): void {
    this.#serving = reports;
    this.#mark();
  }

  async #poll(): Promise<void> {
    clearTimeout(this.#timer);
    if (document.visibilityState !== 'visible') return;
    try {
      const { stages, isDemo } = await fetchChains();
      const faults = isDemo ? await fetchFaults() : new Map<string, string | null>();
      const first = stages.filter(({ stage }) => this.#isRealtimeFirst && stage === 'realtime');
      this.#show([...first, ...stages.filter((chain) => !first.includes(chain))], faults);
      this.#onChains(stages);
    } catch {
      // The server's state is shown elsewhere; the last known rows stay.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#poll(), POLL_EVERY_MS);
  }

  #show(chains: readonly ChainReport[], faults: ReadonlyMap<string, string | null>): void {
    const wanted = JSON.stringify([
      chains.map(({ stage, providers }) => [stage, providers.map(({ id }) => id)]),
      ...faults.keys(),
    ]);
    if (wanted !== this.#made) this.#make(chains, faults);
    this.#made = wanted;
    for (const { stage, providers } of chains) {
      for (const provider of providers) this.#update(`${stage}/${provider.id}`, provider, faults.get(provider.id));
    }
  }

  #make(chains: readonly ChainReport[], faults: ReadonlyMap<string, string | null>): void {
    this.#rows = new Map();
    this.#titles = new Map();
    const lists = chains.map(({ stage, providers }) => {
      const rows = providers.map((provider) => {
        const row = this.#makeRow(provider, faults.has(provider.id));
        this.#rows.set(`${stage}/${provider.id}`, row);
        this.#titles.set(`${stage}/${provider.id}`, provider.title);
        return row.item;
      });
      const heading = make('h3', 'chain-name', stageNames[stage]);
      return make('div', 'chain', [heading, make('ol', 'chain-links', rows)]);
    });
    byId('chains').replaceChildren(...lists);
    byId('providers-note').hidden = lists.length > 0;
    this.#mark();
  }

  #makeRow({ id, title }: ProviderReport, canBreak: boolean): Row {
    const words = make('p', 'link-state');
    const serves = make('span', 'link-serves', 'serves');
    const item = make('li', 'chain-link', [make('p', 'link-title', [document.createTextNode(title), serves]), words]);
    const buttons = new Map<string, HTMLElement>();
    if (canBreak) {
      for (const [fault, label] of Object.entries(FAULTS)) {
        const button = make('button', 'fault', label);
        button.setAttribute('type', 'button');
        button.setAttribute('aria-label', `${label}: ${title}`);
        button.addEventListener('click', () => void this.#break(id, fault));
        buttons.set(fault, button);
      }
      item.append(make('div', 'faults', [...buttons.values()]));
    }
    return { item, words, serves, buttons };
  }

  async #break(vendor: string, fault: string): Promise<void> {
    try {
      await breakVendor(vendor, fault);
      await this.#poll();
    } catch (error) {
      this.#onError(error);
    }
  }

  #update(key: string, provider: ProviderReport, inForce: string | null | undefined): void {
    const row = this.#rows.get(key);
    if (!row) return;
    row.item.dataset.state = provider.state;
    const words = healthText(provider, (iso) => new Date(iso).toLocaleTimeString([], { hour12: false }));
    if (row.words.textContent !== words) row.words.textContent = words;
    for (const [fault, button] of row.buttons) {
      if (fault !== 'mend') button.setAttribute('aria-pressed', String(fault === inForce));
    }
  }

  #mark(): void {
    for (const [key, { serves }] of this.#rows) {
      const report = this.#serving.find(({ stage, provider }) => `${stage}/${provider}` === key);
      serves.hidden = !report;
      serves.textContent = report && report.state !== 'active' ? `serves as ${report.state}` : 'serves';
      serves.classList.toggle('impaired', serves.textContent !== 'serves');
    }
  }
}
