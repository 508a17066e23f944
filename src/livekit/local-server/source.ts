// What a place to get the LiveKit server from is given, and what it gives back.
import type { Environment } from '../../config/environment.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { ServerPin } from './pin.ts';
import type { ServerConfig } from './server-config.ts';

export type ServerOrigin = 'path' | 'cache' | 'build' | 'release' | 'docker';

/** How to start the server, wherever it came from. */
export interface LaunchPlan {
  readonly origin: ServerOrigin;
  readonly version: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Name of the container, for docker. */
  readonly container?: string;
}

export interface SourceContext {
  readonly pin: ServerPin;
  readonly config: ServerConfig;
  /** Cache of this user, with one directory per version and platform. */
  readonly cacheDirectory: string;
  /** Directory for files of this run. */
  readonly stateDirectory: string;
  readonly releaseBaseUrl: string;
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** Says in a few words why a source can't give a server; the next source is tried. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable';
}
