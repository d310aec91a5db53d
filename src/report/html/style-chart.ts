/** Widths of a lane, in px, from which more labels fit; timeline.ts gives each label the one it needs. */
export const labelWidths = [240, 360, 540, 720, 900] as const;

const labelRules = labelWidths
  .map(
    (width) =>
      `@container (min-width: ${width}px) { .label.from${width} { display: block; } .label.until${width} { display: none; } }`,
  )
  .join('\n');

/** The timeline and the small bars in the table of steps. */
export const chartStyle = `
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
