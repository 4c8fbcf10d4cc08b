import Mustache from 'mustache';
import type { Block, PrintableDocument } from './document.ts';

const PAGE = `<!doctype html>
<html lang="{{lang}}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{title}}</title>
<style>
body{max-width:46rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff;line-height:1.7;font-family:"BIZ UDPGothic","Hiragino Sans","Yu Gothic","Noto Sans JP",sans-serif;line-break:strict;overflow-wrap:anywhere}
h1{font-size:1.4rem;text-align:center}
h2{font-size:1.05rem;margin:1.6rem 0 .4rem}
p,td,th,li{white-space:pre-line}
table{border-collapse:collapse;width:100%;margin:.6rem 0}
th,td{border:1px solid #555;padding:.4rem .6rem;text-align:left;vertical-align:top}
th{width:28%;background:#f3f3f3;font-weight:600}
figure{margin:1rem 0}
img{max-width:100%}
.mark{border:1px solid #a00;color:#a00;padding:.2rem .6rem;text-align:center}
.right{text-align:right}
.center{text-align:center}
.small,figcaption,footer{font-size:.85rem;color:#444}
footer{margin-top:2rem;border-top:1px solid #999}
</style>
</head>
<body>
{{#mark}}<p class="mark">{{mark}}</p>
{{/mark}}<h1>{{title}}</h1>
{{#blocks}}
{{#heading}}<h2>{{text}}</h2>
{{/heading}}
{{#paragraph}}<p class="{{align}}{{#small}} small{{/small}}">{{text}}</p>
{{/paragraph}}
{{#fields}}<table>
{{#rows}}<tr><th scope="row">{{label}}</th><td>{{text}}</td></tr>
{{/rows}}
</table>
{{/fields}}
{{#list}}<ul>
{{#items}}<li>{{.}}</li>
{{/items}}
</ul>
{{/list}}
{{#figure}}<figure><img alt="" src="data:image/png;base64,{{base64}}"><figcaption>{{caption}}</figcaption></figure>
{{/figure}}
{{/blocks}}
<footer>{{footer}}</footer>
</body>
</html>
`;

/** The document as one HTML page that loads nothing from elsewhere and runs no script. */
export function renderHtml(document: PrintableDocument): string {
  return Mustache.render(PAGE, { ...document, blocks: document.blocks.map(viewOf) });
}

/** Mustache has no conditions: each block offers itself under the name of its kind. */
function viewOf(block: Block): Record<string, unknown> {
  if (block.kind === 'figure')
    return { figure: { caption: block.caption, base64: Buffer.from(block.png).toString('base64') } };
  return { [block.kind]: block };
}
