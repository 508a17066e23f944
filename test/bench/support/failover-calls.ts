// Makes one call of a stage over two scripted providers, of which the first fails; and counts what escapes.
import { type Outcome, ScriptedProvider } from './failover-child.ts';
import type { Column } from './failover-columns.ts';
import { readReply, ScriptedLlm } from './failover-llm.ts';
import type { CallPlan, Stage } from './failover-rows.ts';
import { ScriptedStt, sayToRecogniser } from './failover-stt.ts';
import { listenToReply, ScriptedTts } from './failover-tts.ts';

/** The failures that a session would have seen when a provider was left. */
export class Escapes {
  readonly sessionErrors: Record<Stage, number> = { stt: 0, llm: 0, tts: 0 };
  unhandled = 0;

  /** Counts until the returned function is called; unlike in a real call, the process goes on. */
  watch(): () => void {
    const onUnhandled = () => {
      this.unhandled += 1;
    };
    process.on('unhandledRejection', onUnhandled).on('uncaughtException', onUnhandled);
    return () => process.off('unhandledRejection', onUnhandled).off('uncaughtException', onUnhandled);
  }
}

/** The providers of one outage, for one call after another. */
export class Outage {
  readonly #column: Column;
  readonly #plan: CallPlan;
  readonly #escapes: Escapes;
  readonly #board;
  readonly dead: ScriptedProvider;
  readonly #backup = new ScriptedProvider('backup');

  constructor(column: Column, plan: CallPlan, escapes: Escapes) {
    this.#column = column;
    this.#plan = plan;
    this.#escapes = escapes;
    this.#board = column.board();
    this.dead = new ScriptedProvider('primary', plan.fault);
  }

  /** Makes one call with a chain or adapter of its own, as each call's process has. */
  async call(): Promise<Outcome> {
    switch (this.#plan.stage) {
      case 'stt':
        return this.#hear();
      case 'llm':
        return this.#reply();
      case 'tts':
        return this.#speak();
    }
  }

  async #hear(): Promise<Outcome> {
    const links = [this.dead, this.#backup].map((provider) => new ScriptedStt(provider));
    const subject = this.#column.stt(links, this.#board);
    subject.on('error', this.#onError);
    const outcome = await sayToRecogniser(subject, this.dead, this.#plan.untilFirst ?? false);
    await subject.close();
    return outcome;
  }

  async #reply(): Promise<Outcome> {
    const links = [this.dead, this.#backup].map((provider) => new ScriptedLlm(provider, !this.#plan.beginsAnew));
    const subject = this.#column.llm(links, this.#board);
    subject.on('error', this.#onError);
    const outcome = await readReply(subject, this.dead);
    await subject.aclose();
    return outcome;
  }

  async #speak(): Promise<Outcome> {
    const links = [this.dead, this.#backup].map((provider) => new ScriptedTts(provider, this.#plan.wordTimes));
    const subject = this.#column.tts(links, this.#board);
    subject.on('error', this.#onError);
    const outcome = await listenToReply(subject, this.#column.ttsConn);
    await subject.close();
    return outcome;
  }

  readonly #onError = (event: { recoverable: boolean }): void => {
    if (!event.recoverable) this.#escapes.sessionErrors[this.#plan.stage] += 1;
  };
}

/** Time in ms to the first result without a fault: the least of three, because disturbances can only add delay. */
export async function ownFirstMs(column: Column, stage: Stage): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 3; run += 1) {
    const { firstMs } = await new Outage(column, { stage, untilFirst: true }, new Escapes()).call();
    times.push(firstMs ?? Number.POSITIVE_INFINITY);
  }
  return Math.min(...times);
}
