import type { NoticeFacts } from './facts.ts';
import { FORM_RULES, type Form } from './forms.ts';

/** What Lumen, the public archive of takedown notices, takes in at POST /notices, but for the sender's own token. */
export interface LumenNotice {
  readonly notice: {
    readonly title: string;
    readonly type: 'DMCA' | 'Other';
    readonly subject: string;
    readonly body: string;
    readonly date_sent: string | null;
    readonly date_received: string | null;
    readonly source: string;
    readonly language: 'ja' | 'en';
    readonly action_taken: 'Yes' | 'No' | 'Partial' | 'Unspecified';
    readonly works: readonly {
      readonly description: string;
      readonly infringing_urls: readonly { readonly url: string }[];
      readonly copyrighted_urls: readonly { readonly url: string }[];
    }[];
    readonly entity_notice_roles: readonly {
      readonly name: 'submitter' | 'recipient' | 'sender' | 'principal';
      readonly entity: { readonly name: string };
    }[];
  };
}

/** The notice as data, in Lumen's shape. */
export function lumenNotice(
  form: Form,
  lang: 'ja' | 'en',
  facts: NoticeFacts,
  written: { readonly title: string; readonly body: string },
): LumenNotice {
  const holders = [...new Set(facts.works.map(({ rightsHolder }) => rightsHolder))].filter(Boolean);
  const urls = facts.materials.map(({ url }) => ({ url }));
  return {
    notice: {
      title: written.title,
      type: FORM_RULES[form].lumenType,
      subject: facts.works.map(({ title }) => title).join(', '),
      body: written.body,
      date_sent: null,
      date_received: null,
      source: 'Utsushi',
      language: lang,
      action_taken: 'Unspecified',
      works: facts.works.map(({ title, series, author, published }) => ({
        description: [title, series, author, published].filter((part) => part !== null).join(', '),
        infringing_urls: urls,
        copyrighted_urls: [],
      })),
      entity_notice_roles: [
        { name: 'recipient', entity: { name: facts.recipient.name } },
        { name: 'submitter', entity: { name: facts.claimant.name } },
        { name: 'sender', entity: { name: facts.claimant.name } },
        ...holders.map((name) => ({ name: 'principal' as const, entity: { name } })),
      ],
    },
  };
}
