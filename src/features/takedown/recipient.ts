import { UtsushiError } from '../../errors.ts';
import { type CaseState, type Material, materialKey } from './case.ts';
import { type Profile, type Recipient, recipientOf } from './profile.ts';

/** Whom a notice goes to, and about what. */
export interface Addressee {
  readonly name: { readonly ja: string; readonly en: string };
  readonly designated?: string | undefined;
  readonly clock?: Recipient['clock'];
  /** The materials on its hosts. */
  readonly materials: readonly Material[];
  /** Hosts of the case's other materials: they need notices of their own. */
  readonly otherHosts: readonly string[];
}

/**
 * The recipient of a case's notices: the one a person named, else whoever is on record for the page's host, else the
 * operator of that host. Of several, the one with most materials, or the one that `host` names.
 *
 * @throws UtsushiError `invalid_request` when no material is on that host
 */
export function addresseeOf(
  state: Pick<CaseState, 'materials' | 'particulars'>,
  profile: Profile,
  host?: string,
): Addressee {
  const named = state.particulars.recipient;
  const groups = new Map<string, { recipient: Recipient | undefined; host: string; materials: Material[] }>();
  for (const material of state.materials) {
    const url = materialKey(material);
    if (url === null) continue;
    const { hostname } = new URL(url);
    const recipient = recipientOf(profile, url);
    const key = recipient?.id ?? hostname;
    const group = groups.get(key) ?? { recipient, host: hostname, materials: [] };
    group.materials.push(material);
    groups.set(key, group);
  }
  const ordered = [...groups.values()].toSorted((a, b) => b.materials.length - a.materials.length);
  const chosen =
    host === undefined
      ? ordered[0]
      : ordered.find((group) => group.materials.some((material) => isOn(material, host)));
  if (host !== undefined && chosen === undefined)
    throw new UtsushiError('invalid_request', `no material of this case is on ${host}`);
  if (named !== undefined) {
    return {
      name: { ja: named.name, en: named.name },
      designated: named.designated,
      materials: chosen !== undefined && host !== undefined ? chosen.materials : state.materials,
      otherHosts: [],
    };
  }
  if (chosen === undefined) return { name: { ja: '', en: '' }, materials: state.materials, otherHosts: [] };
  return {
    name: chosen.recipient?.name ?? {
      ja: `${chosen.host} 運営者`,
      en: `the operator of ${chosen.host}`,
    },
    designated: chosen.recipient?.designated,
    clock: chosen.recipient?.clock,
    materials: chosen.materials,
    otherHosts: ordered.filter((group) => group !== chosen).map((group) => group.host),
  };
}

function isOn(material: Material, host: string): boolean {
  const url = materialKey(material);
  if (url === null) return false;
  const { hostname } = new URL(url);
  return hostname === host || hostname.endsWith(`.${host}`);
}
