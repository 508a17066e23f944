// The log: JSON lines in production, readable lines on a terminal.
import { createRequire } from 'node:module';
import pino from 'pino';
import type { PinoPretty } from 'pino-pretty';

export type Logger = pino.Logger;

export interface LogOptions {
  /** 'info' where absent. */
  readonly level?: string | undefined;
  /** Readable lines instead of JSON. */
  readonly pretty?: boolean;
}

/** Readable lines on a terminal, unless `format` (LOG_FORMAT) asks for json. */
export function wantsPretty(format: string | undefined): boolean {
  return format !== 'json' && process.stdout.isTTY === true;
}

export function createLogger({ level = 'info', pretty = false }: LogOptions = {}): Logger {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  // A stream, as pino's transports would cost each call process a worker thread.
  return pretty ? pino(options, prettyStream()) : pino(options);
}

function prettyStream(): pino.DestinationStream {
  // Loaded only when lines are for people: call processes in production do without it.
  const { PinoPretty: pretty } = createRequire(import.meta.url)('pino-pretty') as { PinoPretty: typeof PinoPretty };
  return pretty({
    timestampKey: 'timestamp',
    translateTime: 'HH:MM:ss.l',
    ignore: 'logger,event,session_id,room',
    singleLine: true,
    sync: true,
  });
}
