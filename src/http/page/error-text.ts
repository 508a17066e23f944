// Every way in which a call can fail, in words: what happened and what to do. Pure, so that it is tested without a browser.

export interface Trouble {
  readonly title: string;
  readonly fix: string;
  /** What the button beside it does; absent when there is no button. */
  readonly action?: 'retry' | 'type-instead';
}

/** An error that already has its words for the user, such as those of the server's API. */
export class TroubleError extends Error {
  override readonly name = 'TroubleError';
  readonly trouble: Trouble;

  constructor(trouble: Trouble, options?: ErrorOptions) {
    super(trouble.title, options);
    this.trouble = trouble;
  }
}

export const insecureContext: Trouble = {
  title: 'The browser gives the microphone to secure pages only.',
  fix: 'Open this page over https, or at http://localhost on the machine where it runs.',
  action: 'type-instead',
};

export const noAgent: Trouble = {
  title: 'No agent joined within 10 seconds.',
  fix: 'It may still come. If not, look at the window where Bulletproof runs, then call again.',
  action: 'retry',
};

export const agentLeft: Trouble = {
  title: 'The agent left the call and has not come back.',
  fix: 'Call again. The window where Bulletproof runs says why it left.',
  action: 'retry',
};

export const pageServerGone: Trouble = {
  title: 'The server of this page does not answer.',
  fix: 'Start Bulletproof again, then try once more.',
  action: 'retry',
};

/** Errors of getUserMedia, by name. */
const MICROPHONE: Readonly<Record<string, Trouble>> = {
  NotFoundError: {
    title: 'No microphone was found.',
    fix: 'Connect one and try again, or go on by typing.',
    action: 'type-instead',
  },
  NotAllowedError: {
    title: 'The microphone is not allowed.',
    fix: 'Allow it for this page beside the address bar, and in the system’s privacy settings. Then start again.',
    action: 'type-instead',
  },
  NotReadableError: {
    title: 'The microphone can’t be used.',
    fix: 'Another program may hold it: close that program or choose another microphone.',
    action: 'type-instead',
  },
  OverconstrainedError: {
    title: 'The chosen microphone is gone.',
    fix: 'Choose another microphone and try again.',
    action: 'retry',
  },
};

const MICROPHONE_ALIASES: Readonly<Record<string, string>> = {
  DevicesNotFoundError: 'NotFoundError',
  PermissionDeniedError: 'NotAllowedError',
  SecurityError: 'NotAllowedError',
  TrackStartError: 'NotReadableError',
  AbortError: 'NotReadableError',
};

/**
 * `ConnectionErrorReason.NotAllowed` of livekit-client. The number is compared, as the error's `reasonName` keeps the name
 * of another reason when the room passes the error on.
 */
const NOT_ALLOWED = 0;

/** Words for an error of the microphone, of the connection, or of anything else. */
export function troubleOf(error: unknown, livekitUrl?: string): Trouble {
  if (error instanceof TroubleError) return error.trouble;
  const { name, message, reason } = fieldsOf(error);
  if (name === 'ConnectionError') return connectionTrouble(reason === NOT_ALLOWED, livekitUrl);
  const microphone = MICROPHONE[MICROPHONE_ALIASES[name] ?? name];
  if (microphone) return microphone;
  return {
    title: 'The call could not be started.',
    fix: message ? `The browser says: ${message}` : 'Try again.',
    action: 'retry',
  };
}

function connectionTrouble(refused: boolean, livekitUrl: string | undefined): Trouble {
  if (refused) {
    return {
      title: 'The LiveKit server refused this call.',
      fix: 'Its key and secret differ from those that Bulletproof uses, or the clocks do. Compare both, then start again.',
      action: 'retry',
    };
  }
  return {
    title: `The LiveKit server can’t be reached${livekitUrl ? ` at ${livekitUrl}` : ''}.`,
    fix: 'Check that it runs and that no firewall is between, then try again.',
    action: 'retry',
  };
}

/** Why a call ended by itself, by the name of LiveKit's reason; undefined when the reason is no trouble. */
export function disconnectTrouble(reason: string | undefined): Trouble | undefined {
  switch (reason) {
    case 'CLIENT_INITIATED':
    case 'ROOM_DELETED':
    case 'ROOM_CLOSED':
    case 'PARTICIPANT_REMOVED':
      return undefined;
    case 'DUPLICATE_IDENTITY':
      return {
        title: 'The call went on somewhere else.',
        fix: 'The same caller joined from another window. Close that one to call from here.',
        action: 'retry',
      };
    case 'SERVER_SHUTDOWN':
      return {
        title: 'The LiveKit server was shut down.',
        fix: 'Start it again, then call once more.',
        action: 'retry',
      };
    default:
      return {
        title: 'The connection was lost.',
        fix: 'Check the network, and that the LiveKit server still runs. Then call again.',
        action: 'retry',
      };
  }
}

/** Words for a failure of the page's own API, which answers `{ error: { message, fix } }`. */
export function apiTrouble(status: number, body: unknown): Trouble {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  const { message, fix } = fieldsOf(error);
  return {
    title: message ? `The call can’t be started: ${message}.` : `The server of this page answered ${status}.`,
    fix: fix ? `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.` : 'Its log says why.',
    action: 'retry',
  };
}

function fieldsOf(value: unknown): { name: string; message: string; fix: string; reason: unknown } {
  const fields = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return { name: text('name'), message: text('message'), fix: text('fix'), reason: fields.reason };
}
