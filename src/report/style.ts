/** The page's style sheet: system fonts, colours that keep a contrast of 4.5 in light and in dark. */
export const style = [
  ':root{color-scheme:light dark;--ink:#1c2024;--paper:#fff;--line:#d5d9de;--soft:#f4f6f8;--good:#146c2e;--bad:#b3261e;--doubt:#7a5200;--calm:#59636e}',
  '@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--paper:#14171a;--line:#3a4048;--soft:#1e2226;--good:#6fd08c;--bad:#ff8a80;--doubt:#f0c060;--calm:#a3adb8}}',
  'body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}',
  'main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem}',
  'h1{margin:0}.lead{font-size:1.15rem;margin-top:.25rem}',
  '.regressed,.failed,.missing,.error{color:var(--bad)}.passed,.improved,.new{color:var(--good)}.inconclusive,.unfit,.warning{color:var(--doubt)}.unchanged{color:var(--calm)}',
  '.v{white-space:nowrap}.scroll{overflow-x:auto}',
  'table{border-collapse:collapse;margin:.75rem 0;font-size:.9rem}caption{text-align:left;color:var(--calm);padding-bottom:.25rem}',
  'th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}thead th{background:var(--soft)}tbody th{font-weight:500}',
  '.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}',
  'details{border:1px solid var(--line);border-radius:.4rem;margin:.5rem 0;padding:.25rem .75rem}summary{cursor:pointer;font-weight:600;padding:.25rem 0}',
  'a{color:inherit}pre{background:var(--soft);padding:.75rem;overflow-x:auto;font-size:.85rem}',
].join('');
