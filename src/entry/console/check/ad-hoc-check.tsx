import { Alert, Anchor, Badge, Group, List, Modal, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { api } from '../api/client.ts';
import { referenceImage } from '../api/pictures.ts';
import type { CheckedPicture } from '../api/types.ts';
import { shownScore } from '../parts/labels.tsx';
import { Empty, Failed, Loading } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import { Comparison } from '../workbench/comparison.tsx';
import { Findings } from '../workbench/findings.tsx';
import { Provenance } from '../workbench/provenance.tsx';
import { useNaturalSize } from '../workbench/use-natural-size.ts';
import classes from './ad-hoc-check.module.css';

/** The answer to "does this picture resemble one of ours?", kept nowhere. */
export default function AdHocCheck({ file, close }: { file: File; close: () => void }) {
  const t = useText();
  return (
    <Modal
      opened
      onClose={close}
      size="min(1180px, 96vw)"
      title={t.check.title}
      closeButtonProps={{ 'aria-label': t.common.close }}
      classNames={{ body: classes.body ?? '' }}
    >
      <Answer file={file} close={close} />
    </Modal>
  );
}

function Answer({ file, close }: { file: File; close: () => void }) {
  const t = useText();
  const url = useObjectUrl(file);
  const check = useQuery({
    queryKey: ['check-now', file.name, file.size, file.lastModified],
    queryFn: ({ signal }) => {
      const body = new FormData();
      body.append('file', file);
      return api<CheckedPicture>('/checks/now', { body, signal });
    },
    staleTime: Infinity,
  });
  if (check.isPending || url === undefined) return <Loading />;
  if (check.isError) return <Failed error={check.error} retry={() => void check.refetch()} />;
  const { verdict, reason, matches, ms, provenance, reliance } = check.data;
  const took = Object.values(ms).reduce((sum, each) => sum + each, 0);
  return (
    <div data-testid="check-answer">
      <Group mb="sm" gap="xs">
        <Badge size="lg" variant="light" color={verdict === 'candidate' ? 'shu' : 'gray'} tt="none">
          {t.verdicts[verdict]}
        </Badge>
        <Text size="sm" c="dimmed">
          {file.name} · {t.check.took(took / 1000)} · {t.check.notKept}
        </Text>
      </Group>
      {matches.length === 0 ? (
        <Empty title={verdict === 'unhashable' ? t.verdicts.unhashable : t.check.nothing}>
          {reason ?? t.check.nothingNote}
        </Empty>
      ) : (
        <Tabs defaultValue={matches[0]!.assetId} keepMounted={false}>
          <Tabs.List>
            {matches.map((match) => (
              <Tabs.Tab key={match.assetId} value={match.assetId}>
                {match.title} <span className="numeric">{shownScore(match.confidence)}</span>
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {matches.map((match) => (
            <Tabs.Panel key={match.assetId} value={match.assetId} className={classes.panel ?? ''}>
              <Pair url={url} match={match} />
              <div className={classes.findings}>
                <Findings match={match} />
              </div>
            </Tabs.Panel>
          ))}
        </Tabs>
      )}
      {reliance.length > 0 && (
        <Alert variant="light" color="orange" mt="sm" title={t.check.reliance} data-testid="check-reliance">
          <List size="sm">
            {reliance.map(({ assetId, term, where }, at) => (
              <List.Item key={at}>
                {t.check.named(term, t.wheres(where))}{' '}
                <Anchor
                  component={Link}
                  href={`/assets/${encodeURIComponent(assetId)}`}
                  size="sm"
                  underline="always"
                  onClick={close}
                >
                  {assetId}
                </Anchor>
              </List.Item>
            ))}
          </List>
          <Text size="xs" c="dimmed" mt={6}>
            {t.workbench.relianceNote}
          </Text>
        </Alert>
      )}
      {provenance !== undefined && (
        <Alert variant="light" color="gray" mt="sm" title={t.workbench.provenance}>
          <Provenance provenance={provenance} />
        </Alert>
      )}
    </div>
  );
}

function Pair({ url, match }: { url: string; match: CheckedPicture['matches'][number] }) {
  const t = useText().workbench;
  const reference = referenceImage(match.referenceId, 1024);
  const work = useNaturalSize(reference);
  const output = useNaturalSize(url);
  if (work === undefined || output === undefined) return <Loading />;
  return (
    <div className={classes.pair}>
      <Comparison
        work={{ src: reference, alt: t.work, ...work }}
        output={{ src: url, alt: t.output, ...output }}
        quad={match.verification?.quad ?? null}
        correspondences={match.verification?.correspondences ?? []}
        negative={match.transformations.includes('inverted')}
      />
    </div>
  );
}

function useObjectUrl(file: File): string | undefined {
  const [url, setUrl] = useState<string | undefined>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
