// Puts tool calls together that arrive in pieces, so that none is handed on by halves.
import { ProviderError } from '../../../failover/provider-error.ts';
import type { LlmToolCall } from '../../contract.ts';

export interface ToolCallPiece {
  readonly index?: number | null;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
}

export class ToolCallAssembly {
  readonly #calls = new Map<number, { id: string; name: string; arguments: string }>();

  add({ index, id, function: piece }: ToolCallPiece): void {
    // Some servers leave the index out: their pieces with an id begin the next call.
    const key = index ?? (id ? this.#calls.size : Math.max(0, this.#calls.size - 1));
    const call = this.#calls.get(key) ?? { id: '', name: '', arguments: '' };
    if (id) call.id = id;
    if (piece?.name) call.name += piece.name;
    call.arguments += piece?.arguments ?? '';
    this.#calls.set(key, call);
  }

  /** @throws ProviderError `malformed` when a call has no name or its arguments are no JSON object */
  finish(provider: string): LlmToolCall[] {
    return [...this.#calls.entries()]
      .sort(([a], [b]) => a - b)
      .map(([index, call]) => {
        const args = call.arguments.trim() === '' ? '{}' : call.arguments;
        if (call.name === '' || !isObject(args)) {
          const message = `${provider}: sent a tool call that is no JSON object`;
          throw new ProviderError({ kind: 'malformed', provider, message });
        }
        return { id: call.id || `call-${index}-${call.name}`, name: call.name, arguments: args };
      });
  }
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
