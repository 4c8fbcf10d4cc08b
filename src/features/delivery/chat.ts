import { type Language, type Reading, digestHeadline, footer, openLabel } from './wording.ts';

const MOST_SHOWN = 20;
/** Slack takes 150 characters in a header and 3,000 in a section. */
const HEADER_LENGTH = 150;
const SECTION_LENGTH = 3_000;
/** Teams takes messages of 28 KB: a larger picture stays out. */
const PICTURE_BYTES = 15_000;

/** The body of a Slack incoming webhook, in Block Kit (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
export function slackBody(readings: readonly Reading[], lang: Language): unknown {
  const headline = headlineOf(readings, lang);
  const sections = readings.slice(0, MOST_SHOWN).map(({ headline: own, lines, link }) => {
    const text = [
      ...(readings.length > 1 ? [`*${forSlack(own)}*`] : []),
      ...lines.map(([label, value]) => `*${label}*: ${forSlack(value)}`),
    ]
      .join('\n')
      .slice(0, SECTION_LENGTH - link.length - 100);
    return {
      type: 'section',
      text: { type: 'mrkdwn', text: `${text}\n<${link}|${openLabel(lang)}>` },
    };
  });
  return {
    // Shown in notifications.
    text: forSlack(headline),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: headline.slice(0, HEADER_LENGTH) } },
      ...sections,
      { type: 'context', elements: [{ type: 'mrkdwn', text: forSlack(below(readings, lang)) }] },
    ],
  };
}

/** The three characters that Slack reads as its own. */
function forSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * The body of a Teams workflow "When a Teams webhook request is received": a message with an Adaptive Card
 * (learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using).
 */
export function teamsBody(readings: readonly Reading[], lang: Language): unknown {
  const text = (value: string, more = {}) => ({
    type: 'TextBlock',
    text: forTeams(value),
    wrap: true,
    ...more,
  });
  const items = readings.slice(0, MOST_SHOWN).flatMap((reading) => [
    ...(readings.length > 1 ? [text(reading.headline, { weight: 'Bolder', separator: true })] : []),
    {
      type: 'FactSet',
      facts: reading.lines.map(([title, value]) => ({ title, value: forTeams(value) })),
    },
    ...(readings.length > 1
      ? [{ type: 'TextBlock', text: `[${openLabel(lang)}](${reading.link})`, wrap: true }]
      : []),
    ...pictureOf(reading, readings.length),
  ]);
  const [only] = readings;
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            text(headlineOf(readings, lang), { size: 'Large', weight: 'Bolder' }),
            ...items,
            text(below(readings, lang), { isSubtle: true, size: 'Small' }),
          ],
          ...(readings.length === 1
            ? { actions: [{ type: 'Action.OpenUrl', title: openLabel(lang), url: only!.link }] }
            : {}),
        },
      },
    ],
  };
}

function pictureOf({ artwork, headline }: Reading, among: number): unknown[] {
  if (artwork === undefined || among > 1 || artwork.length > PICTURE_BYTES) return [];
  const url = `data:image/jpeg;base64,${Buffer.from(artwork).toString('base64')}`;
  return [{ type: 'Image', url, altText: headline, size: 'Large' }];
}

/** Adaptive Cards read a little Markdown; titles and names from the web must not become links. */
function forTeams(text: string): string {
  return text.replaceAll(/[[\]\\*_]/g, String.raw`\$&`);
}

function headlineOf(readings: readonly Reading[], lang: Language): string {
  return readings.length === 1 ? readings[0]!.headline : digestHeadline(readings.length, lang);
}

function below(readings: readonly Reading[], lang: Language): string {
  const left = readings.length - MOST_SHOWN;
  if (left <= 0) return footer(lang);
  return lang === 'ja' ? `ほか ${left} 件。${footer(lang)}` : `And ${left} more. ${footer(lang)}`;
}
