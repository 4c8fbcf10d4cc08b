import type { Executor } from '../../platform/storage/database.ts';
import type { Provenance } from '../../platform/provenance/index.ts';
import { matchTerms, relianceTexts } from '../../platform/provenance/terms.ts';
import { japaneseDate } from '../catalogue/index.ts';
import type { Match } from '../checks/index.ts';
import { type AiOriginStatement, stateAiOrigin } from './ai-origin.ts';
import type { CaseState, Material } from './case.ts';
import type { Form } from './forms.ts';
import { type Profile, inLanguage } from './profile.ts';
import { addresseeOf } from './recipient.ts';
import { similarityText, wording } from './wording.ts';

type Language = 'ja' | 'en';

export interface Work {
  readonly n: number;
  readonly title: string;
  readonly series: string | null;
  readonly author: string | null;
  readonly rightsHolder: string;
  readonly published: string | null;
  /** The claimant's standing in words, e.g. 出版権者; empty where the catalogue does not say. */
  readonly capacity: string;
  readonly right: string | null;
  readonly document: string | null;
  readonly territory: string | null;
  /** Last day of the authority, `YYYY-MM-DD`; null where it has no end. */
  readonly expires: string | null;
}

export interface ShownMaterial {
  readonly n: number;
  /** The exact place: the page, or the image where no page is known. */
  readonly url: string;
  readonly imageUrl: string | null;
  readonly account: string | null;
  readonly seenAt: string;
  readonly sha256: string;
}

/** Everything a notice is filled with, in one language; templates see exactly this. */
export interface NoticeFacts {
  readonly today: string;
  readonly date: Readonly<Record<Language, string>>;
  readonly recipient: { readonly name: string; readonly designated: boolean };
  readonly claimant: {
    readonly name: string;
    readonly address: string;
    readonly phone: string;
    readonly email: string;
    readonly signatory: string;
  };
  readonly works: readonly Work[];
  readonly materials: readonly ShownMaterial[];
  readonly location: string | null;
  /** Labels of the rights asserted. */
  readonly rights: readonly string[];
  readonly manner: { readonly item: string; readonly label: string; readonly text: string | null };
  readonly grounds: string | null;
  readonly similarity: readonly { readonly n: number; readonly text: string }[];
  /** Facts that speak for reliance; conclusions are the reader's. */
  readonly reliance: readonly string[];
  readonly aiOrigin: AiOriginStatement;
  /** Comparison figures to draw, one an alert. */
  readonly figures: readonly { readonly n: number; readonly checkId: string; readonly assetId: string }[];
  /** Hosts of the case's other materials: this notice does not speak of them. */
  readonly otherHosts: readonly string[];
  /** Generators that the files name and that are no service to which one could write. */
  readonly programs: readonly string[];
  /** What people wrote that is not in the notice's language, as far as can be told. */
  readonly foreign: readonly string[];
}

interface Found {
  /** Of its first material in the notice. */
  readonly n: number;
  readonly numbers: readonly number[];
  readonly checkId: string;
  readonly assetId: string;
  /** Null where nothing was found similar: what comes from a watch entry claims no similarity. */
  readonly match: Match | null;
  readonly provenance: Provenance;
}

/** SQL knows no empty list. */
const NO_ALERT = '00000000-0000-0000-0000-000000000000';

/** Gathers what a notice of this form can say about a case today. */
export async function gatherFacts(
  db: Executor,
  state: CaseState,
  profile: Profile,
  ask: {
    readonly form: Form;
    readonly lang: Language;
    readonly host?: string | undefined;
    readonly now: Date;
  },
): Promise<NoticeFacts> {
  const { lang, now } = ask;
  const standing = { ...state, materials: await confirmedOnly(db, state.materials) };
  const addressee = addresseeOf(standing, profile, ask.host);
  const materials = addressee.materials.map((material, at) => show(material, at + 1));
  const found = await findingsOf(db, addressee.materials);
  const named = new Set(addressee.materials.map(({ assetId }) => assetId));
  const subjects = state.works.filter(({ assetId }) => named.size === 0 || named.has(assetId));
  const works = await worksOf(db, subjects, profile, lang);
  const { particulars } = state;
  const kinds = found.flatMap(({ match }) => match?.kind ?? []);
  const similarity = found.flatMap(({ n, match }) =>
    match === null ? [] : [{ n, text: similarityText(n, match, lang) }],
  );
  const item =
    particulars.manner ??
    (kinds.length > 0 && kinds.every((kind) => kind === 'reproduction') ? 'b' : 'other');
  return {
    today: japaneseDate(now),
    date: { ja: formatDate(now, 'ja'), en: formatDate(now, 'en') },
    recipient: recipientFor(ask.form, lang, state, addressee, found, now),
    claimant: {
      name: inLanguage(profile.name, lang),
      address: inLanguage(profile.address, lang),
      phone: profile.phone ?? '',
      email: profile.email ?? '',
      signatory: inLanguage(profile.signatory, lang),
    },
    works,
    materials,
    location: particulars.location ?? null,
    rights: (particulars.rights ?? proposedRights(works)).map(
      (code) => wording().rights[code]?.[lang] ?? code,
    ),
    manner: {
      item,
      label: wording().manner[item][lang],
      text:
        particulars.mannerText ??
        (item === 'other' ? similarity.map(({ n, text }) => `(${n}) ${text}`).join('\n') || null : null),
    },
    grounds: particulars.grounds ?? null,
    similarity,
    reliance: relianceOf(found, await termsOf(db, subjects), lang),
    aiOrigin: stateAiOrigin(
      found.map(({ numbers, provenance }) => ({
        numbers,
        grade: provenance.grade,
        generator: provenance.generator,
      })),
      particulars.aiOrigin,
      lang,
    ),
    figures: found.flatMap(({ n, checkId, assetId, match }) =>
      match === null ? [] : [{ n, checkId, assetId }],
    ),
    otherHosts: addressee.otherHosts,
    programs: generatorsOf(found).filter(isProgram),
    foreign: [particulars.grounds, particulars.location, particulars.mannerText].filter(
      (text) => text !== undefined && isForeign(text, lang),
    ) as string[],
  };
}

/** Kana are Japanese for certain; a Japanese text without any kana or kanji is none. */
function isForeign(text: string, lang: Language): boolean {
  return lang === 'en' ? /[\u3041-\u30ff]/.test(text) : !/[\u3041-\u30ff\u3400-\u9fff]/.test(text);
}

/** What people run on machines of their own: nobody there has seen the picture. */
const PROGRAMS =
  /^(AUTOMATIC1111|ComfyUI|Draw Things|Easy Diffusion|Fooocus|Forge|InvokeAI|Stable Diffusion|SwarmUI)/i;
const isProgram = (name: string) => PROGRAMS.test(name);

function generatorsOf(found: readonly Found[]): string[] {
  return [...new Set(found.flatMap(({ provenance }) => provenance.generator ?? []))];
}

/**
 * What is proposed until a person chooses. Reproduction covers alterations that add no new creative expression, so the
 * right of adaptation (art. 27) is never proposed: whether there is any is a person's finding.
 */
function proposedRights(works: readonly Work[]): string[] {
  return works.length > 0 && works.every(({ right }) => right === 'publishing-right') ? ['80'] : ['21', '23'];
}

function recipientFor(
  form: Form,
  lang: Language,
  state: CaseState,
  addressee: ReturnType<typeof addresseeOf>,
  found: readonly Found[],
  now: Date,
): NoticeFacts['recipient'] {
  if (form === 'generator') {
    const stated = generatorsOf(found).find((each) => !isProgram(each));
    const name = state.particulars.generator ?? stated;
    if (name !== undefined) return { name, designated: false };
  }
  const { designated } = addressee;
  return {
    name: addressee.name[lang],
    designated: designated !== undefined && designated <= japaneseDate(now),
  };
}

/** A notice speaks only of what a person confirmed and has not taken back; a re-upload waits for its review. */
async function confirmedOnly(db: Executor, materials: readonly Material[]): Promise<Material[]> {
  const alertIds = materials.flatMap(({ alertId }) => alertId ?? []);
  const confirmed = await db
    .selectFrom('alerts')
    .select('id')
    .where('id', 'in', [NO_ALERT, ...alertIds])
    .where('state', '=', 'decided')
    .where('decision', '=', 'confirm')
    .execute();
  const ids = new Set(confirmed.map(({ id }) => id));
  return materials.filter(({ alertId }) => alertId === null || ids.has(alertId));
}

async function worksOf(
  db: Executor,
  works: CaseState['works'],
  profile: Profile,
  lang: Language,
): Promise<Work[]> {
  const assets = await db
    .selectFrom('assets')
    .select(['id', 'title', 'series', 'author', 'rights_holder', 'claim', 'published'])
    .where(
      'id',
      'in',
      works.map(({ assetId }) => assetId),
    )
    .execute();
  return works.map(({ assetId }, at) => {
    const asset = assets.find(({ id }) => id === assetId)!;
    const right = asset.claim['right'] ?? null;
    const capacities: Record<string, Record<Language, string>> = wording().claimRight;
    return {
      n: at + 1,
      title: asset.title,
      series: asset.series,
      author: asset.author,
      rightsHolder: asset.rights_holder ?? (right === 'copyright' ? inLanguage(profile.name, lang) : ''),
      published: asset.published,
      capacity: right === null ? '' : (capacities[right]?.[lang] ?? right),
      right,
      document: asset.claim['document'] ?? null,
      territory: asset.claim['territory'] ?? null,
      expires: asset.claim['expires'] ?? null,
    };
  });
}

async function findingsOf(db: Executor, materials: readonly Material[]): Promise<Found[]> {
  const shas = [...new Set(materials.map(({ outputSha256 }) => outputSha256))];
  if (shas.length === 0) return [];
  const outputs = await db
    .selectFrom('outputs')
    .select(['sha256', 'provenance'])
    .where('sha256', 'in', shas)
    .execute();
  const alertIds = materials.flatMap(({ alertId }) => alertId ?? []);
  const matches = await db
    .selectFrom('alerts as a')
    .innerJoin('matches as m', (join) =>
      join.onRef('m.check_id', '=', 'a.check_id').onRef('m.asset_id', '=', 'a.asset_id'),
    )
    .select(['a.id', 'a.check_id', 'm.body'])
    .where('a.id', 'in', [NO_ALERT, ...alertIds])
    .execute();
  const bySubject = new Map<string | null, { material: Material; n: number }[]>();
  for (const [at, material] of materials.entries()) {
    const subject = material.alertId ?? material.watchId;
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), { material, n: at + 1 }]);
  }
  return [...bySubject.values()].map((places) => {
    const { material, n } = places[0]!;
    const match = matches.find(({ id }) => id === material.alertId);
    return {
      n,
      numbers: places.map((place) => place.n),
      checkId: match?.check_id ?? '',
      assetId: material.assetId,
      match: (match?.body as Match | undefined) ?? null,
      provenance: outputs.find(({ sha256 }) => sha256 === material.outputSha256)!.provenance as Provenance,
    };
  });
}

async function termsOf(db: Executor, works: CaseState['works']) {
  const assets = await db
    .selectFrom('assets')
    .select(['id', 'title', 'series', 'aliases', 'characters'])
    .where(
      'id',
      'in',
      works.map(({ assetId }) => assetId),
    )
    .execute();
  return assets.flatMap(({ id, title, series, aliases, characters }) =>
    [title, ...(series === null ? [] : [series]), ...aliases, ...characters].map((term) => ({
      assetId: id,
      term,
    })),
  );
}

function relianceOf(
  found: readonly Found[],
  terms: Awaited<ReturnType<typeof termsOf>>,
  lang: Language,
): string[] {
  const lines = found.flatMap(({ provenance }) =>
    matchTerms(relianceTexts(provenance), terms).map(({ term, where }) =>
      lang === 'ja'
        ? `当該画像のファイルに記録された生成時の情報(${where})に「${term}」の語があります。`
        : `What the file records of its generation (${where}) names “${term}”.`,
    ),
  );
  return [...new Set(lines)];
}

function show(material: Material, n: number): ShownMaterial {
  return {
    n,
    url: exactUrl(material) ?? '',
    imageUrl: material.pageUrl !== null && exactUrl(material) === material.pageUrl ? material.imageUrl : null,
    account: material.account,
    seenAt: material.seenAt === null ? '' : formatTime(new Date(material.seenAt)),
    sha256: material.outputSha256,
  };
}

/** A URL that names one place, and not merely a site. */
function exactUrl({ pageUrl, imageUrl }: Material): string | null {
  const names = (url: string | null): url is string => {
    if (url === null || !URL.canParse(url)) return false;
    const { protocol, pathname, search } = new URL(url);
    return /^https?:$/.test(protocol) && (pathname !== '/' || search !== '');
  };
  return [pageUrl, imageUrl].find(names) ?? null;
}

export function formatDate(at: Date, lang: Language): string {
  return new Intl.DateTimeFormat(lang === 'ja' ? 'ja-JP' : 'en-GB', {
    dateStyle: 'long',
    timeZone: 'Asia/Tokyo',
  }).format(at);
}

/** Both clocks, so that the reader need not convert. */
function formatTime(at: Date): string {
  const japan = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone: 'Asia/Tokyo',
  }).format(at);
  return `${japan} JST (${at.toISOString().replace(/\.\d+Z$/, 'Z')})`;
}
