/** The mark of the house: 写 on a vermilion seal. */
export function Seal({ size }: { size: number }) {
  return <img src={new URL('../seal.svg', import.meta.url).href} width={size} height={size} alt="" />;
}
