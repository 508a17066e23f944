// POST /api/calls : a room and a token to join it.
import type { Handler } from 'hono';
import { z } from 'zod';
import { CALL_MODES } from '../../config/call-mode.ts';
import type { CallRequest } from '../../config/call-request.ts';
import { apiError } from '../api-error.ts';
import type { HttpDeps, PersonaSummary } from '../deps.ts';
import type { LeaveEnv } from '../leave.ts';

const bodySchema = z.strictObject({
  persona: z.string().min(1).max(64).optional(),
  mode: z.enum(CALL_MODES).optional(),
  // Shown to others in the room: no control characters.
  name: z
    .string()
    .trim()
    .min(1)
    .max(64)
    .regex(/^\P{Cc}+$/u, 'must be printable')
    .optional(),
  language: z
    .string()
    .max(35)
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a BCP 47 tag such as "en-US"')
    .optional(),
  room: z
    .string()
    .regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"')
    .optional(),
});

export function callsRoute({ personas: all, createCall }: HttpDeps): Handler<LeaveEnv> {
  return async (c) => {
    if (!/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      return c.json(apiError('expected a JSON body', 'send Content-Type: application/json'), 415);
    }
    const parsed = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) return c.json(apiError(wordsOf(parsed.error), EXAMPLE), 400);
    const request = withoutUndefined(parsed.data);
    const isPublic = c.get('leave') === 'public';
    if (isPublic && request.room !== undefined) {
      return c.json(apiError('a room of your own choice needs the operator’s token', 'leave out "room"'), 403);
    }

    const personas = isPublic ? publicOnes(all) : all;
    const persona = personas.find(({ id, isDefault }) => (request.persona ? id === request.persona : isDefault));
    if (request.persona && !persona) {
      const ids = personas.map(({ id }) => id).join(', ');
      return c.json(apiError(`there is no persona "${request.persona}"`, `choose one of: ${ids}`), 404);
    }
    if (request.language && persona && !persona.languages.includes(request.language)) {
      const fix = `choose one of: ${persona.languages.join(', ')}`;
      return c.json(apiError(`"${persona.id}" does not speak "${request.language}"`, fix), 400);
    }
    const mode = request.mode ?? persona?.mode;
    if (isPublic && (!persona || !mode || !persona.publicModes?.includes(mode))) {
      const open = persona?.publicModes?.map((id) => `"${id}"`).join(' or ');
      const fix = open ? `choose the mode ${open}` : 'mark a persona as public in agents/';
      return c.json(
        apiError(persona ? `"${persona.id}" is not called so by anybody` : 'nobody can be called', fix),
        403,
      );
    }
    return c.json(await createCall({ ...request, ...(isPublic && persona && { persona: persona.id }) }), 201, {
      'Cache-Control': 'no-store',
    });
  };
}

/** The personas with public modes. When the default persona is not one of them, the first of them is the default. */
export function publicOnes(personas: readonly PersonaSummary[]): PersonaSummary[] {
  const open = personas.filter(({ publicModes = [] }) => publicModes.length > 0);
  const hasDefault = open.some(({ isDefault }) => isDefault);
  return open.map((persona, place) => ({ ...persona, isDefault: hasDefault ? persona.isDefault : place === 0 }));
}

const EXAMPLE = 'send for example {"persona":"sales","language":"en-US"}';

function wordsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

function withoutUndefined(body: z.infer<typeof bodySchema>): CallRequest {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
