import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useErrorText } from '../parts/states.tsx';

/** A change that tells when it was refused, and then has everything read anew whose key begins with one of these. */
export function useChange<Input, Output>(keys: readonly string[], change: (input: Input) => Promise<Output>) {
  const client = useQueryClient();
  const explain = useErrorText();
  return useMutation({
    mutationFn: change,
    onError: (error) => {
      const { title, detail } = explain(error);
      notifications.show({ color: 'red', title, message: detail });
    },
    onSettled: () =>
      client.invalidateQueries({ predicate: ({ queryKey }) => keys.includes(String(queryKey[0])) }),
  });
}
