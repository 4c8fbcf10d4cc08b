import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, use } from 'react';
import { api } from './client.ts';
import type { Person, Role, Session } from './types.ts';

const KEY = ['session'];

export function useSession() {
  return useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => api<Session>('/session', { signal }),
    staleTime: 60_000,
  });
}

/** Ends whatever the former session fetched, and asks who is signed in now. */
function useSessionChange<Input>(change: (input: Input) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async () => {
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
      await client.invalidateQueries({ queryKey: KEY });
    },
  });
}

export const useSignIn = () =>
  useSessionChange((body: { name: string; password: string }) => api('/session', { body }));
export const useSignOut = () => useSessionChange(() => api('/session', { method: 'DELETE' }));
export const useRedeemLink = () =>
  useSessionChange((body: { token: string; password?: string }) => api('/session/link', { body }));

const ROLES: readonly Role[] = ['viewer', 'reviewer', 'approver', 'admin'];

/** Who uses the console; below the sign-in there is always somebody. */
export const PersonContext = createContext<Person | undefined>(undefined);

export function usePerson(): Person & { may(least: Role): boolean } {
  const person = use(PersonContext);
  if (person === undefined) throw new Error('nobody is signed in');
  return { ...person, may: (least) => ROLES.indexOf(person.role) >= ROLES.indexOf(least) };
}
