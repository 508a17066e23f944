// The log: JSON lines in production, readable lines on a terminal.
import pino from 'pino';

export type Logger = pino.Logger;

export interface LogOptions {
  readonly level?: string;
  /** Readable lines instead of JSON. */
  readonly pretty?: boolean;
}

export function createLogger({ level = 'info', pretty = false }: LogOptions = {}): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    ...(pretty && {
      transport: {
        target: 'pino-pretty',
        options: {
          timestampKey: 'timestamp',
          translateTime: 'HH:MM:ss.l',
          ignore: 'logger,event,session_id,room',
          singleLine: true,
        },
      },
    }),
  });
}
