// How the API tells an error: what is wrong and what to do, never a stack.

export interface ApiError {
  readonly error: { readonly message: string; readonly fix: string };
}

export function apiError(message: string, fix: string): ApiError {
  return { error: { message, fix } };
}
