import { UtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import type { Material } from './case.ts';

/** What a case can be about, as it takes it in: an alert, or a watch entry. */
export interface Subject {
  readonly id: string;
  readonly from: 'alert' | 'watch';
  /** Whether a person decided that it will be acted upon. */
  readonly ready: boolean;
  readonly assetId: string;
  readonly title: string;
  /** One for each place where its output was seen; one without URLs where no place is known. */
  readonly materials: readonly Material[];
}

/**
 * Alerts and watch entries by their ids, in the order given.
 *
 * @throws UtsushiError `not_found` naming the first that is neither
 */
export async function readSubjects(db: Executor, ids: readonly string[]): Promise<Subject[]> {
  const alerts = await db
    .selectFrom('alerts as s')
    .innerJoin('assets as w', 'w.id', 's.asset_id')
    .innerJoin('outputs as o', 'o.id', 's.output_id')
    .select(['s.id', 's.asset_id', 's.output_id', 's.state', 's.decision', 'w.title', 'o.sha256'])
    .where('s.id', 'in', [...ids])
    .execute();
  const watched = await db
    .selectFrom('watch_entries as s')
    .innerJoin('assets as w', 'w.id', 's.asset_id')
    .innerJoin('outputs as o', 'o.id', 's.output_id')
    .select(['s.id', 's.asset_id', 's.output_id', 's.state', 'w.title', 'o.sha256'])
    .where('s.id', 'in', [...ids])
    .execute();
  const found = [
    ...alerts.map((row) => ({
      ...row,
      from: 'alert' as const,
      ready: row.state === 'decided' && row.decision === 'confirm',
    })),
    ...watched.map((row) => ({ ...row, from: 'watch' as const, ready: row.state === 'promoted' })),
  ];
  const unknown = ids.find((id) => !found.some((row) => row.id === id));
  if (unknown !== undefined) throw new UtsushiError('not_found', `no alert has the id ${unknown}`);
  const sightings = await db
    .selectFrom('sightings')
    .select(['output_id', 'page_url', 'image_url', 'account', 'posted_at', 'seen_at'])
    .where(
      'output_id',
      'in',
      found.map(({ output_id }) => output_id),
    )
    .orderBy('seen_at')
    .execute();
  return ids.map((id) => {
    const row = found.find((each) => each.id === id)!;
    const nowhere: Material = {
      alertId: row.from === 'alert' ? id : null,
      watchId: row.from === 'watch' ? id : null,
      assetId: row.asset_id,
      outputSha256: row.sha256,
      pageUrl: null,
      imageUrl: null,
      account: null,
      postedAt: null,
      seenAt: null,
    };
    const places = new Map<string, Material>();
    for (const sighting of sightings.filter(({ output_id }) => output_id === row.output_id)) {
      const { page_url: pageUrl, image_url: imageUrl, account } = sighting;
      const key = pageUrl ?? imageUrl;
      if (key === null || places.has(key)) continue;
      places.set(key, {
        ...nowhere,
        pageUrl,
        imageUrl,
        account,
        postedAt: sighting.posted_at?.toISOString() ?? null,
        seenAt: sighting.seen_at.toISOString(),
      });
    }
    const { from, ready, asset_id: assetId, title } = row;
    return {
      id,
      from,
      ready,
      assetId,
      title,
      materials: places.size === 0 ? [nowhere] : [...places.values()],
    };
  });
}

/** What two subjects can have in common that makes them one case. */
function ties(subject: Subject): string[] {
  return [
    `work ${subject.assetId}`,
    ...subject.materials.flatMap(({ pageUrl, account }) => [
      ...(pageUrl === null ? [] : [`page ${pageUrl}`]),
      ...(account === null ? [] : [`poster ${account}`]),
    ]),
  ];
}

/** Subjects in groups that hang together by work, page or poster: each group would make one case. */
export function groupSubjects(subjects: readonly Subject[]): Subject[][] {
  let groups: { ties: Set<string>; members: Subject[] }[] = [];
  for (const subject of subjects) {
    const own = ties(subject);
    const joined = groups.filter((group) => own.some((tie) => group.ties.has(tie)));
    const merged = {
      ties: new Set([...joined.flatMap((group) => [...group.ties]), ...own]),
      members: [...joined.flatMap((group) => group.members), subject],
    };
    groups = [...groups.filter((group) => !joined.includes(group)), merged];
  }
  return groups.map((group) => group.members);
}

export interface Suggestion {
  readonly alertIds: readonly string[];
  /** What each of them is about, in the same order. */
  readonly alerts: readonly {
    readonly alertId: string;
    readonly assetId: string;
    readonly title: string;
    readonly outputSha256: string;
    readonly pageUrl: string | null;
  }[];
  readonly works: readonly { readonly assetId: string; readonly title: string }[];
  readonly accounts: readonly string[];
  readonly pages: readonly string[];
}

const MOST_WAITING = 1_000;

/** Confirmed alerts that no case has taken up, in the groups that could make one case each; largest first. */
export async function suggestCases(db: Executor): Promise<Suggestion[]> {
  const waiting = await db
    .selectFrom('alerts as a')
    .select('a.id')
    .where('a.state', '=', 'decided')
    .where('a.decision', '=', 'confirm')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('case_alerts as l').select('l.case_id').whereRef('l.alert_id', '=', 'a.id'))),
    )
    .orderBy('a.decided_at')
    .limit(MOST_WAITING)
    .execute();
  if (waiting.length === 0) return [];
  const subjects = await readSubjects(
    db,
    waiting.map(({ id }) => id),
  );
  const distinct = (values: readonly (string | null)[]) => [
    ...new Set(values.filter((value) => value !== null)),
  ];
  return groupSubjects(subjects)
    .map((group) => {
      const places = group.flatMap(({ materials }) => materials);
      return {
        alertIds: group.map(({ id }) => id),
        alerts: group.map(({ id, assetId, title, materials: [first] }) => ({
          alertId: id,
          assetId,
          title,
          outputSha256: first!.outputSha256,
          pageUrl: first!.pageUrl,
        })),
        works: [...new Map(group.map(({ assetId, title }) => [assetId, { assetId, title }])).values()],
        accounts: distinct(places.map(({ account }) => account)),
        pages: distinct(places.map(({ pageUrl }) => pageUrl)),
      };
    })
    .toSorted((a, b) => b.alertIds.length - a.alertIds.length);
}
