import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

/** Which queries to ask again when something of this kind changed; the first word of the event's type. */
const TOUCHED: Readonly<Record<string, readonly string[]>> = {
  alert: ['alerts', 'alert', 'reports'],
  watch: ['watch'],
  incident: ['incidents'],
  case: ['cases', 'case'],
  asset: ['assets', 'asset'],
  monitor: ['monitors', 'scans', 'coverage'],
  scan: ['monitors', 'scans', 'coverage'],
};
/** Many changes come at once when a scan ends: ask once for all of them. */
const GATHER_MS = 400;

/** Keeps what is on the screen fresh from the server's events. @returns whether the connection stands */
export function useLiveUpdates(): boolean {
  const client = useQueryClient();
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    const source = new EventSource('/api/live');
    const stale = new Set<string>();
    let timer: number | undefined;
    const refresh = () => {
      timer = undefined;
      const kinds = [...stale];
      stale.clear();
      void client.invalidateQueries({ predicate: ({ queryKey }) => kinds.includes(String(queryKey[0])) });
    };
    source.addEventListener('open', () => setConnected(true));
    source.addEventListener('error', () => setConnected(false));
    source.addEventListener('message', ({ data }: MessageEvent<string>) => {
      const { type } = JSON.parse(data) as { type: string };
      const touched =
        type === 'resync' ? Object.values(TOUCHED).flat() : (TOUCHED[type.split('.')[0]!] ?? []);
      for (const kind of touched) stale.add(kind);
      timer ??= window.setTimeout(refresh, GATHER_MS);
    });
    return () => {
      window.clearTimeout(timer);
      source.close();
    };
  }, [client]);
  return connected;
}
