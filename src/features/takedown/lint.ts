import { unprintable } from '../../platform/fonts/fonts.ts';
import type { NoticeFacts } from './facts.ts';
import { type Element, FORM_RULES, type Form } from './forms.ts';
import type { Part } from './templates.ts';

interface Sentence {
  readonly ja: string;
  readonly en: string;
}

/** An element that keeps a notice from being complete. */
export interface Missing {
  readonly element: Element;
  readonly message: Sentence;
  /** Where it is put right. */
  readonly remedy: string;
}

export interface LintReport {
  /** Empty when the notice is complete. */
  readonly missing: readonly Missing[];
  /** What a person should look at; none of it stops the notice. */
  readonly warnings: readonly Sentence[];
}

const PROFILE = 'utsushi profile set FILE.yml';
const CATALOGUE = 'utsushi catalogue import --manifest FILE';
const PARTICULARS = 'utsushi case set CASE_ID';
const TEMPLATE = 'utsushi template put FILE.yml';

/** What each element is called, and where its content comes from. */
const NAMES: Readonly<Record<Element, Sentence & { readonly from: string }>> = {
  recipient: { ja: '宛先', en: 'the recipient', from: `${PARTICULARS} --recipient NAME` },
  'claimant-name': { ja: '申出者の氏名又は名称', en: 'the claimant’s name', from: `${PROFILE} (name)` },
  'claimant-address': { ja: '申出者の住所', en: 'the claimant’s address', from: `${PROFILE} (address)` },
  'contact-phone': { ja: '電話番号', en: 'the telephone number', from: `${PROFILE} (phone)` },
  'contact-email': { ja: '電子メールアドレス', en: 'the e-mail address', from: `${PROFILE} (email)` },
  signature: { ja: '署名者', en: 'the signatory', from: `${PROFILE} (signatory)` },
  'work-identification': {
    ja: '著作物の特定(題号と、著作者又は権利者)',
    en: 'identification of the work (title, and author or rights holder)',
    from: `${CATALOGUE} (title, author, rights_holder)`,
  },
  'material-url': {
    ja: '侵害情報の正確なURL',
    en: 'the exact URL of the material',
    from: 'utsushi check FILE --record --page-url URL',
  },
  'right-asserted': {
    ja: '侵害されたとする権利',
    en: 'the right asserted',
    from: `${PARTICULARS} --rights 21,23`,
  },
  'claim-basis': {
    ja: '侵害されたとする理由',
    en: 'the basis of the claim',
    from: `${PARTICULARS} --grounds TEXT`,
  },
  manner: {
    ja: '侵害の態様',
    en: 'the manner of infringement',
    from: `${PARTICULARS} --manner other --manner-text TEXT`,
  },
  'how-to-confirm': {
    ja: '権利侵害を確認可能な方法',
    en: 'how the infringement can be confirmed',
    from: TEMPLATE,
  },
  authorisation: {
    ja: '申立権限とそれを証する書類',
    en: 'the claimant’s authorisation and its document',
    from: `${CATALOGUE} (right, right_document)`,
  },
  'valid-authority': {
    ja: '本日有効な申立権限',
    en: 'an authority that is valid today and here',
    from: `${CATALOGUE} (right_expires, right_territory)`,
  },
  'ai-origin': {
    ja: '生成AIの利用についての、証拠に見合った記載',
    en: 'what is said of generation by AI, within the evidence',
    from: `${PARTICULARS} --ai-origin GRADE`,
  },
  'statement-truth': {
    ja: '事実に相違ない旨の証言',
    en: 'the statement that the facts are true',
    from: TEMPLATE,
  },
  'statement-good-faith': { ja: '善意の陳述', en: 'the good-faith statement', from: TEMPLATE },
  'statement-accuracy': { ja: '正確性の陳述', en: 'the statement of accuracy', from: TEMPLATE },
  'statement-perjury': {
    ja: '偽証罪の制裁の下での権限の陳述',
    en: 'the statement of authority under penalty of perjury',
    from: TEMPLATE,
  },
};

/** What is wrong with an element's content; null when it is there and right. */
type Check = (facts: NoticeFacts, form: Form) => Sentence | null;

const ABSENT: Sentence = { ja: 'がありません。', en: 'is missing.' };
const needs =
  (of: (facts: NoticeFacts) => boolean): Check =>
  (facts) =>
    of(facts) ? null : ABSENT;

const CONTENT: Partial<Record<Element, Check>> = {
  // Without a place there is no recipient either; the place is what is missing then.
  recipient: needs(
    ({ recipient, materials }) => recipient.name !== '' || !materials.some(({ url }) => url !== ''),
  ),
  'claimant-name': needs(({ claimant }) => claimant.name !== ''),
  'claimant-address': needs(({ claimant }) => claimant.address !== ''),
  'contact-phone': needs(({ claimant }) => claimant.phone !== ''),
  'contact-email': needs(({ claimant }) => claimant.email !== ''),
  signature: needs(({ claimant }) => claimant.signatory !== ''),
  'work-identification': needs(
    ({ works }) =>
      works.length > 0 &&
      works.every(({ title, author, rightsHolder }) => title !== '' && (author ?? rightsHolder) !== ''),
  ),
  'material-url': needs(({ materials }) => materials.length > 0 && materials.every(({ url }) => url !== '')),
  'right-asserted': needs(({ rights }) => rights.length > 0),
  'claim-basis': needs(({ grounds, similarity }) => grounds !== null || similarity.length > 0),
  manner: needs(({ manner }) => manner.item !== 'other' || manner.text !== null),
  authorisation: needs(({ works }) =>
    works.every(({ right, document }) => right !== null && document !== null),
  ),
  'valid-authority': authorityFault,
  'ai-origin': ({ aiOrigin }) => aiOrigin.fault,
};

/** What the text itself must contain, so that an edited template cannot quietly drop it. */
const QUOTED: Partial<Record<Element, (facts: NoticeFacts) => readonly string[]>> = {
  recipient: ({ recipient }) => [recipient.name],
  'claimant-name': ({ claimant }) => [claimant.name],
  'claimant-address': ({ claimant }) => [claimant.address],
  'contact-phone': ({ claimant }) => [claimant.phone],
  'contact-email': ({ claimant }) => [claimant.email],
  signature: ({ claimant }) => [claimant.signatory],
  'work-identification': ({ works }) => works.map(({ title }) => title),
  'material-url': ({ materials }) => materials.map(({ url }) => url),
  'right-asserted': ({ rights }) => rights,
  'claim-basis': ({ grounds, similarity }) =>
    grounds === null ? similarity.map(({ text }) => text) : [grounds],
  manner: ({ manner }) => [manner.label, manner.text ?? ''],
  authorisation: ({ works }) => works.map(({ document }) => document ?? ''),
  'ai-origin': ({ aiOrigin }) => [aiOrigin.text],
};

const STATEMENTS: Partial<Record<Element, RegExp>> = {
  'how-to-confirm': /\S/,
  'statement-truth': /事実に相違/,
  'statement-good-faith': /good[- ]faith/i,
  'statement-accuracy': /accura/i,
  'statement-perjury': /penalty of perjury/i,
};

/**
 * Whether a filled notice says everything that its form demands: that the content is there and right, and that the text
 * really states it.
 */
export function lintNotice(form: Form, facts: NoticeFacts, parts: readonly Part[]): LintReport {
  const missing = FORM_RULES[form].elements.flatMap((element): Missing[] => {
    const name = NAMES[element];
    const fault = CONTENT[element]?.(facts, form) ?? null;
    if (fault !== null) {
      const message = fault === ABSENT ? named(name, fault) : fault;
      return [{ element, message, remedy: name.from }];
    }
    if (isStated(element, facts, parts)) return [];
    const message = {
      ja: `${name.ja}が文面にありません(テンプレートを確認してください)。`,
      en: `The text does not state ${name.en}; see the template.`,
    };
    return [{ element, message, remedy: TEMPLATE }];
  });
  return { missing, warnings: [...warningsOf(form, facts), ...unprintableIn(parts)] };
}

function named(name: Sentence, fault: Sentence): Sentence {
  const en = `${name.en} ${fault.en}`;
  return { ja: `${name.ja}${fault.ja}`, en: en[0]!.toUpperCase() + en.slice(1) };
}

function isStated(element: Element, facts: NoticeFacts, parts: readonly Part[]): boolean {
  const bare = (text: string) => text.replaceAll(/\s+/g, '');
  const text = parts
    .filter(({ elements }) => elements.includes(element))
    .map((part) => part.text)
    .join('\n');
  if (QUOTED[element]?.(facts).some((quoted) => !bare(text).includes(bare(quoted))) === true) return false;
  return STATEMENTS[element]?.test(text) ?? true;
}

const WORLD = /^(world(wide)?|global|all|全世界|全ての国|世界)$/i;
/** How catalogues write the territories that the forms need. The EU is any of its names or a member state's code. */
const TERRITORIES: Readonly<Record<'JP' | 'US' | 'EU', RegExp>> = {
  JP: /^(jp|jpn|japan|日本(国内?)?)$/i,
  US: /^(us|usa|united states( of america)?|米国|アメリカ(合衆国)?)$/i,
  EU: /^(eu|e\.u\.|european union|欧州連合|at|be|bg|hr|cy|cz|dk|ee|fi|fr|de|gr|hu|ie|it|lv|lt|lu|mt|nl|pl|pt|ro|sk|si|es|se)$/i,
};

function authorityFault({ works, today }: NoticeFacts, form: Form): Sentence | null {
  const { territory: where } = FORM_RULES[form];
  for (const { title, expires, territory } of works) {
    if (expires !== null && expires < today)
      return {
        ja: `『${title}』の申立権限は ${expires} に終了しています。`,
        en: `The authority for “${title}” ended on ${expires}.`,
      };
    if (territory === null || where === null) continue;
    const covered = territory
      .split(/[|,;、/]/)
      .map((each) => each.trim())
      .some((each) => WORLD.test(each) || TERRITORIES[where].test(each));
    if (!covered)
      return {
        ja: `『${title}』の申立権限の地域(${territory})は ${where} に及びません。`,
        en: `The authority for “${title}” (${territory}) does not extend to ${where}.`,
      };
  }
  return null;
}

function warningsOf(form: Form, facts: NoticeFacts): Sentence[] {
  const warnings: Sentence[] = [];
  if (form === 'ja-platform' && !facts.recipient.designated)
    warnings.push({
      ja: '宛先は大規模特定電気通信役務提供者の指定の記録がありません。法定の通知期限はなく、方針の期限を用います。',
      en: 'The recipient is not on record as a designated platform: no statutory term runs, the policy’s counts.',
    });
  if (FORM_RULES[form].territory === 'JP' && facts.works.some(({ right }) => right === 'exclusive-licence'))
    warnings.push({
      ja: '独占的利用許諾を受けた者は、様式の申出者(権利者又は代理人)に当たらないことがあります。',
      en: 'An exclusive licensee may not be among those who can file this form (rights holder or agent).',
    });
  if (form === 'generator' && facts.programs.length > 0)
    warnings.push({
      ja: `ファイルの示す ${facts.programs.join('、')} は各自の機器で動かすプログラムで、書簡を送る相手のサービスではありません。宛先を確かめてください(utsushi case set CASE_ID --generator 名称)。`,
      en: `${facts.programs.join(', ')}, which the file names, is a program that people run by themselves, not a service to write to. Check whom the letter is to (utsushi case set CASE_ID --generator NAME).`,
    });
  if (facts.foreign.length > 0)
    warnings.push({
      ja: `この通知の言語で書かれていない記載があります:${facts.foreign.join(' / ')}`,
      en: `These are not in the notice’s language: ${facts.foreign.join(' / ')}`,
    });
  if (facts.otherHosts.length > 0)
    warnings.push({
      ja: `この通知は次のホストの情報を含みません(別の通知が必要です):${facts.otherHosts.join(', ')}`,
      en: `Material on these hosts needs notices of its own: ${facts.otherHosts.join(', ')}`,
    });
  return warnings;
}

function unprintableIn(parts: readonly Part[]): Sentence[] {
  const characters = unprintable(parts.map(({ text }) => text).join('')).join(' ');
  return characters === ''
    ? []
    : [
        {
          ja: `PDFの書体にない文字があります(空白の四角になります):${characters}`,
          en: `The font of the PDF lacks these characters; they print as empty boxes: ${characters}`,
        },
      ];
}
