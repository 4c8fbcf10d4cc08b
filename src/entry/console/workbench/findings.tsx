import { List, Text } from '@mantine/core';
import type { Match } from '../api/types.ts';
import { Score } from '../parts/labels.tsx';
import { useLocale } from '../text/index.tsx';
import classes from './facts.module.css';

/** Why this pair was proposed: the kind as a technical proposal, the score, reasons in words, and the figures. */
export function Findings({ match }: { match: Match }) {
  const { language, t } = useLocale();
  const { verification } = match;
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const transformations = match.transformations.map(
    (each) => (t.transformations as Readonly<Record<string, string>>)[each] ?? each,
  );
  const figures: readonly (readonly [string, string])[] = [
    [t.figures.hashDistance, `${match.hashDistance} / 256`],
    ...(verification === null
      ? []
      : ([
          [t.figures.inliers, String(verification.inliers)],
          [t.figures.overlapAsset, percent(verification.overlap.asset)],
          [t.figures.overlapOutput, percent(verification.overlap.output)],
          [t.figures.alignedSimilarity, verification.alignedSimilarity.toFixed(2)],
        ] as const)),
  ];
  return (
    <>
      <div className={classes.verdict}>
        <div>
          <Text
            fw={700}
            size="lg"
            c={match.kind === 'reproduction' ? 'shu' : 'violet'}
            className={classes.kind}
          >
            {t.kinds[match.kind]}
          </Text>
          <Text size="xs" c="dimmed">
            {t.kindNote}
          </Text>
        </div>
        <div className={classes.scoreBox}>
          <Text size="xs" c="dimmed">
            {t.score}
          </Text>
          <Score value={match.confidence} size="lg" />
        </div>
      </div>
      <List size="sm" spacing={6}>
        {match.reasons.map((reason) => (
          <List.Item key={reason.en}>{reason[language]}</List.Item>
        ))}
      </List>
      {transformations.length > 0 && (
        <Text size="sm" mt="xs">
          <Text span c="dimmed" size="sm">
            {t.figures.transformations}:{' '}
          </Text>
          {transformations.join(language === 'ja' ? '、' : ', ')}
        </Text>
      )}
      <div className={classes.figures}>
        {figures.map(([name, value]) => (
          <div key={name} className={classes.figure}>
            <Text size="xs" c="dimmed">
              {name}
            </Text>
            <Text size="sm" fw={600} className="numeric">
              {value}
            </Text>
          </div>
        ))}
      </div>
    </>
  );
}
