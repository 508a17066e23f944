// Shows how both sides sound: two meters and the orb, drawn only while a call is on.
import { byId, part } from './elements.ts';
import { type LevelReader, readLevel } from './level.ts';
import { drawOrb } from './orb.ts';

export type SoundSide = 'caller' | 'agent';

interface SideView {
  readonly meter: HTMLMeterElement;
  readonly bar: HTMLElement;
  reader: LevelReader | undefined;
  level: number;
}

/** Gives 30 pictures per second on a 60 Hz screen, which look smooth and cost half. */
const PAUSE_MS = 20;
/** Time constant with which a meter falls. */
const FALL_MS = 120;
/** Pause for users who prefer reduced motion. */
const CALM_PAUSE_MS = 200;
const METER_WORDS_MS = 1_000;

export class SoundView {
  readonly #canvas = byId('orb', HTMLCanvasElement);
  readonly #sides: Record<SoundSide, SideView> = { caller: side('level-you'), agent: side('level-agent') };
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #context: AudioContext | undefined;
  #drawnAt = 0;
  #toldAt = 0;
  #running = false;
  #frameRequest = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #atRest = false;
  busy = false;

  /** Call within a gesture of the visitor: browsers allow sound to be read only then. */
  start(): void {
    this.#context ??= new AudioContext();
    void this.#context.resume();
    if (this.#running) return;
    this.#running = true;
    this.#atRest = false;
    this.#frameRequest = requestAnimationFrame(this.#frame);
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#pause);
    cancelAnimationFrame(this.#frameRequest);
    void this.#context?.suspend();
    this.busy = false;
    this.use('caller', undefined);
    this.use('agent', undefined);
    this.still();
  }

  use(name: SoundSide, track: MediaStreamTrack | undefined): void {
    const view = this.#sides[name];
    view.reader?.stop();
    view.reader = track && this.#context ? readLevel(this.#context, track) : undefined;
    if (!track) this.#show(view, 0, true);
  }

  /** Draws one picture at rest; during a call the next picture comes by itself. */
  still(): void {
    this.#atRest = false;
    if (this.#running) return;
    drawOrb(this.#canvas, { callerLevel: 0, agentLevel: 0, busy: false, dimmed: true }, 1);
  }

  readonly #frame = (now: number) => {
    // The next frame is requested after a pause: each requested frame costs, drawn or not.
    this.#pause = setTimeout(
      () => {
        this.#frameRequest = requestAnimationFrame(this.#frame);
      },
      this.#calm.matches ? CALM_PAUSE_MS : PAUSE_MS,
    );
    const kept = Math.exp((this.#drawnAt - now) / FALL_MS);
    this.#drawnAt = now;
    const tell = now - this.#toldAt > METER_WORDS_MS;
    if (tell) this.#toldAt = now;
    const { caller, agent } = this.#sides;
    for (const view of [caller, agent]) {
      const level = view.reader?.read() ?? 0;
      // The level rises at once and falls slowly, which is pleasant to watch.
      this.#show(view, level > view.level ? level : level + (view.level - level) * kept, tell);
    }
    // In silence the rings stand still and are not redrawn.
    const atRest = caller.level === 0 && agent.level === 0 && !this.busy;
    if (atRest && this.#atRest) return;
    this.#atRest = atRest;
    const seconds = this.#calm.matches ? 1 : now / 1_000;
    const input = { callerLevel: caller.level, agentLevel: agent.level, busy: this.busy, dimmed: false };
    drawOrb(this.#canvas, input, seconds);
  };

  #show(view: SideView, level: number, tell: boolean): void {
    view.level = level < 0.005 ? 0 : level;
    view.bar.style.setProperty('transform', `scaleX(${view.level.toFixed(3)})`);
    if (tell) view.meter.value = Math.round(view.level * 100);
  }
}

function side(id: string): SideView {
  const box = byId(id);
  return { meter: part<HTMLMeterElement>(box, 'meter'), bar: part(box, 'i'), reader: undefined, level: 0 };
}
