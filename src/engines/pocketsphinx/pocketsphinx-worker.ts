// The worker thread that PocketSphinx listens in.
import { parentPort } from 'node:worker_threads';
import type { PocketSphinxRequest, PocketSphinxResponse } from './messages.ts';
import { Recognizer } from './recognizer.ts';
import { UtteranceQueue } from './utterance-queue.ts';

const port = parentPort;
if (!port) throw new Error('pocketsphinx-worker runs as a worker thread only');

const respond = (response: PocketSphinxResponse) => port.postMessage(response);
const queue = new UtteranceQueue(new Recognizer(), respond);
respond({ type: 'ready' });

// Errors are not caught: after a trap the module's memory can't be trusted, so the client starts another thread.
port.on('message', (request: PocketSphinxRequest) => queue.handle(request));
