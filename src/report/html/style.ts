/** Colors first: both themes have a contrast of at least 4.5 : 1 for text and 3 : 1 for drawings. */
const colours = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --line: #dfe3e8; --text: #1b222b; --dim: #57616e; --link: #0b5cad;
  --code: #eef1f4; --good: #14693d; --bad: #b3261e; --warn: #8a5200;
  --tone: #5b6673; --tone-soft: #eef0f3;
  --bar: #cfe0f4; --bar-alt: #b6d0ee; --bar-edge: #4a7fb8; --grid: #e6e9ee;
  --fail: #f7c9c4; --fail-edge: #b3261e; --undo: #f6dfb0; --undo-edge: #97650a; --run: #e3d6f6; --run-edge: #7546b8;
  --armed: rgba(226, 152, 20, 0.16); --armed-edge: #8a5800;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161b; --card: #1a2027; --line: #303943; --text: #e4e8ec; --dim: #a3adb8; --link: #7db8f5;
    --code: #252d36; --good: #6fce97; --bad: #ff9a92; --warn: #f0bd62;
    --tone: #97a3b0; --tone-soft: #222a33;
    --bar: #284a6d; --bar-alt: #33608d; --bar-edge: #74a9e0; --grid: #2a323b;
    --fail: #6e2723; --fail-edge: #ff8f86; --undo: #5a430f; --undo-edge: #e8b355; --run: #46306a; --run-edge: #b895ef;
    --armed: rgba(240, 178, 70, 0.16); --armed-edge: #e8b355;
  }
}
body.confirmed { --tone: #14693d; --tone-soft: #e6f4ec; }
body.unchanged { --tone: #4d5965; --tone-soft: #eceff2; }
body.reverted { --tone: #a34409; --tone-soft: #fdeee3; }
body.undone { --tone: #855300; --tone-soft: #fbf2dc; }
body.failed-before-change { --tone: #b3261e; --tone-soft: #fceae9; }
body.interrupted { --tone: #6a3ead; --tone-soft: #f2ecfb; }
body.split { --tone: #a1001c; --tone-soft: #fde4e7; }
@media (prefers-color-scheme: dark) {
  body.confirmed { --tone: #6fce97; --tone-soft: #17301f; }
  body.unchanged { --tone: #b3bec9; --tone-soft: #242c35; }
  body.reverted { --tone: #ffab75; --tone-soft: #3a2314; }
  body.undone { --tone: #efc163; --tone-soft: #352a10; }
  body.failed-before-change { --tone: #ff9a92; --tone-soft: #3b1c1a; }
  body.interrupted { --tone: #c5a8f5; --tone-soft: #2b2140; }
  body.split { --tone: #ff96a3; --tone-soft: #430f19; }
}`;

const layout = `
* { box-sizing: border-box; }
:root { font-size: 15px; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px; display: grid; gap: 18px; grid-template-columns: minmax(0, 1fr); }
h1 { font-size: 1.6rem; line-height: 1.35; margin: 0; font-weight: 650; text-wrap: pretty; overflow-wrap: anywhere; }
h2 { font-size: 1.02rem; margin: 0 0 12px; font-weight: 650; }
p { margin: 0 0 10px; } p:last-child { margin-bottom: 0; }
a { color: var(--link); }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 0.87em; }
code { background: var(--code); border-radius: 4px; padding: 1px 5px; overflow-wrap: anywhere; }
small { color: var(--dim); font-size: 0.82em; font-weight: 400; }
.dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; min-width: 0; }
.cards { columns: 2; column-gap: 18px; } .cards:empty { display: none; }
.cards > .card { break-inside: avoid; margin: 0 0 18px; } .cards > .card:last-child { margin-bottom: 0; }

.banner { background: var(--tone-soft); border: 1px solid var(--line); border-left: 6px solid var(--tone);
  border-radius: 10px; padding: 22px 24px; }
.banner .word { display: flex; align-items: center; gap: 10px; color: var(--tone); font-weight: 700; margin: 0 0 8px;
  letter-spacing: 0.01em; }
.icon path { fill: none; stroke: var(--tone-soft); stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }
.icon { background: var(--tone); border-radius: 50%; flex: none; }
.next { margin: 14px 0 0; font-size: 1.02rem; overflow-wrap: anywhere; }
.next strong { display: inline-block; margin-right: 8px; color: var(--tone); }
.facts { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 14px 0 0; padding: 0; color: var(--dim); font-size: 0.9rem; }
.banner .dim, .banner .facts { color: color-mix(in srgb, var(--text) 78%, var(--tone-soft)); }

.figures { display: flex; flex-wrap: wrap; gap: 1px; margin: 0; overflow: hidden;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; }
.figures div { background: var(--card); padding: 14px 18px; flex: 1 1 9rem; }
.figures dt { color: var(--dim); font-size: 0.84rem; }
.figures dd { margin: 2px 0 0; font-size: 1.32rem; font-weight: 600; font-variant-numeric: tabular-nums; }

.why { border-left: 4px solid var(--bad); } .warn { border-left: 4px solid var(--warn); }
.why .message { font-weight: 600; overflow-wrap: anywhere; }
.hint::before { content: "→ "; color: var(--dim); }
.warn ul { margin: 0; padding-left: 20px; overflow-wrap: anywhere; }
.log { margin: 14px 0 0; } .log figcaption { color: var(--dim); font-size: 0.86rem; margin-bottom: 6px; }
pre { margin: 0; padding: 12px 14px; background: var(--code); border-radius: 8px; max-height: 26rem; overflow: auto;
  line-height: 1.5; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.93rem; }
th, td { text-align: left; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; } th.number, td.number { padding-right: 28px; }
tbody th small { display: block; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--dim); font-weight: 500; font-size: 0.85rem; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 11rem; }
table.steps tbody th { min-width: 0; }
.whole { display: inline-block; vertical-align: top; }
.names { display: block; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.failed td, tr.failed th { color: var(--bad); }
.chip, .verdict { display: inline-block; border-radius: 999px; padding: 0 9px; font-size: 0.82rem; font-weight: 600;
  border: 1px solid currentColor; }
.chip.blue { color: var(--link); } .chip.green { color: var(--good); } .chip.plain { color: var(--dim); }
.verdict { margin-right: 4px; }

.bare, .keys, .components { list-style: none; margin: 0; padding: 0; }
.bare > li { padding: 8px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.bare > li:first-child { padding-top: 0; } .bare > li:last-child { border-bottom: 0; padding-bottom: 0; }
.components { display: flex; flex-wrap: wrap; gap: 2px 16px; margin-top: 4px; font-size: 0.9rem; }
.components span { color: var(--dim); }
.keys { display: flex; flex-wrap: wrap; gap: 6px 16px; } .keys .added span { color: var(--good); } .keys .removed span { color: var(--bad); }
.pairs { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 6px 16px; margin: 0; }
.pairs dt, .stacked dt { color: var(--dim); font-size: 0.9rem; } .pairs dd, .stacked dd { margin: 0; }
.stacked { margin: 0; } .stacked dd { margin-bottom: 8px; } .stacked dd:last-child { margin-bottom: 0; }
details + details { margin-top: 8px; }
summary { cursor: pointer; padding: 4px 0; font-weight: 500; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
footer { color: var(--dim); font-size: 0.86rem; padding: 0 4px; overflow-wrap: anywhere; }

@media (max-width: 720px) {
  main { padding: 14px 12px 32px; gap: 12px; }
  h1 { font-size: 1.16rem; } .card, .banner { padding: 16px; }
  .cards { columns: 1; } .cards > .card { margin-bottom: 12px; }
}
@media print {
  :root { --page: #fff; }
  :root { font-size: 10.5px; } main { padding: 0; gap: 10px; max-width: none; }
  .card, .banner, .figures { break-inside: avoid; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .card:has(details), .card:has(pre) { break-inside: auto; }
  tr, .lane { break-inside: avoid; } h2, summary, thead { break-after: avoid; }
  pre { max-height: none; overflow: visible; } .scroll { overflow: visible; }
  details::details-content { content-visibility: visible; block-size: auto; }
  a[href^="http"]::after { content: " (" attr(href) ")"; }
}`;

/** Widths of a lane, in px, from which more labels fit; timeline.ts gives each label the one it needs. */
export const labelWidths = [240, 360, 540, 720, 900] as const;

const labelRules = labelWidths
  .map(
    (width) =>
      `@container (min-width: ${width}px) { .label.from${width} { display: block; } .label.until${width} { display: none; } }`,
  )
  .join('\n');

/** The timeline and the small bars in the table of steps. */
const chartStyle = `
.lanes { display: grid; grid-template-columns: minmax(7rem, max-content) minmax(0, 1fr); gap: 0 16px; }
.lane { container-type: inline-size; min-width: 0; border-bottom: 1px solid var(--line); padding-top: 4px; }
.lane-name { display: flex; flex-wrap: wrap; align-items: end; align-content: end; font-size: 0.94rem; font-weight: 500; max-width: 16rem;
  padding: 6px 0 8px; overflow-wrap: anywhere; border-bottom: 1px solid var(--line); line-height: 1.3; }
.lane-name.axis-name { padding: 0; }
.lanes > :nth-last-child(-n+2) { border-bottom: 0; }
.lane svg { display: block; overflow: visible; }
.axis text { fill: var(--dim); font-size: 11.5px; }
.grid { stroke: var(--grid); stroke-width: 1; }
.bar { stroke-width: 1; fill: var(--bar); stroke: var(--bar-edge); }
.bar.shade1 { fill: var(--bar-alt); }
.bar.failed { fill: var(--fail); stroke: var(--fail-edge); }
.bar.undone { fill: var(--undo); stroke: var(--undo-edge); stroke-dasharray: 3 2; }
.bar.running { fill: var(--run); stroke: var(--run-edge); }
.bar.skipped { fill: none; stroke: var(--line); }
.label { fill: var(--text); font-size: 12px; pointer-events: none; display: none; }
.armed { fill: var(--armed); } .legend .armed { stroke: var(--armed-edge); stroke-opacity: 0.5; }
.mark line { stroke-width: 1.5; stroke: var(--text); } .mark circle { fill: var(--text); }
.mark-word { font-size: 11.5px; font-weight: 600; fill: var(--text); }
.mark.switched line { stroke: var(--armed-edge); } .mark.switched circle, .mark.switched text { fill: var(--armed-edge); }
.mark.confirmed line { stroke: var(--good); } .mark.confirmed circle, .mark.confirmed text { fill: var(--good); }
.mark.reverted line, .mark.undone line { stroke: var(--bad); }
.mark.reverted circle, .mark.undone circle, .mark.reverted text, .mark.undone text { fill: var(--bad); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 14px 0 0; padding: 0; color: var(--dim); font-size: 0.86rem; }
.legend svg { vertical-align: -1px; margin-right: 4px; }
table.steps { table-layout: fixed; min-width: 40rem; } td.when svg { display: block; overflow: visible; margin-top: 0.35rem; }
th.step { width: 15%; } th.when { width: 35%; } table.steps th.number { width: 13%; } th.outcome { width: 11%; }
${labelRules}
@media (max-width: 720px) {
  .lanes { grid-template-columns: minmax(0, 1fr); }
  .lane-name { padding: 10px 0 0; border-bottom: 0; max-width: none; } .lane-name.axis-name { display: none; }
}`;

export const styleSheet = `${colours}${layout}${chartStyle}`;
