/** Choosing which cells are shown: a form that appears only where its script runs. Without it, the page is whole. */
import type { CellVerdict } from '../../records/verdict.ts';
import { html } from '../escape.ts';
import { verdictOrder } from '../listed-metric.ts';
import { anchorOf } from './cell-link.ts';

/** What the script reads of a cell's block. */
export const filterFacts = (cell: CellVerdict): string =>
  `data-cell="${anchorOf(cell)}" data-model="${html(cell.model ?? '')}" data-optimization="${html(cell.optimization)}" data-verdict="${cell.verdict}"`;

const choice = (name: string, values: readonly string[]): string =>
  `<label>${name}<select name="${name}"><option value="">all</option>${values.map((value) => `<option>${html(value)}</option>`).join('')}</select></label>`;

export const filterForm = (cells: readonly CellVerdict[]): string =>
  [
    '<form id="filter" hidden aria-label="Which cells are shown">',
    ...(cells.some(({ model }) => model !== null) ? [choice('model', [...new Set(cells.flatMap(({ model }) => model ?? []))])] : []),
    choice('optimization', [...new Set(cells.map(({ optimization }) => optimization))]),
    choice(
      'verdict',
      verdictOrder.filter((kind) => cells.some(({ verdict }) => verdict === kind)),
    ),
    '<label>text<input type="search" name="text" placeholder="metric, reason, …"></label>',
    '<button type="reset">Show all</button><button type="button" id="open-all">Open all</button>',
    '<output id="shown" aria-live="polite"></output></form>',
  ].join('');

/**
 * The page's only script. It hides the blocks and rows of cells that do not match, dims their dots, opens the block that a link
 * leads to, and opens everything for a print. The choice is kept in the fragment-free page only: nothing is stored or sent.
 */
export const filterScript = [
  "'use strict';",
  "const form=document.getElementById('filter');",
  "const blocks=[...document.querySelectorAll('[data-cell]')].map(e=>({e,key:e.dataset.cell,id:(e.dataset.model===''?'':e.dataset.model+'/')+e.dataset.optimization,text:null}));",
  "const about=[...document.querySelectorAll('[data-about]')];",
  'const dots=[...document.querySelectorAll(\'.overview svg [aria-label*="/"]\')];',
  "const groups=[...document.querySelectorAll('[data-group]')];",
  'const apply=()=>{',
  'const want=Object.fromEntries(new FormData(form));const text=want.text.trim().toLowerCase();const hidden=new Set(),faint=new Set();',
  'for(const b of blocks){const d=b.e.dataset;',
  'const fits=(!want.model||d.model===want.model)&&(want.optimization===""||d.optimization===want.optimization)&&(want.verdict===""||d.verdict===want.verdict)',
  '&&(text===""||(b.text??=(b.id+" "+d.verdict+" "+b.e.textContent).toLowerCase()).includes(text));',
  'b.e.hidden=!fits;if(!fits){hidden.add(b.key);faint.add(b.id)}}',
  'for(const e of about){const off=hidden.has(e.dataset.about);if(e.tagName==="TR")e.hidden=off;else e.classList.toggle("faint",off)}',
  'for(const e of dots)e.classList.toggle("faint",faint.has(e.getAttribute("aria-label")));',
  "for(const g of groups)g.hidden=!g.querySelector('[data-cell]:not([hidden])');",
  "document.getElementById('shown').textContent=`${blocks.length-hidden.size} of ${blocks.length} cells`};",
  'const reveal=()=>{const e=location.hash.length>1&&document.getElementById(decodeURIComponent(location.hash.slice(1)));',
  "if(e&&e.tagName==='DETAILS'){if(e.hidden){form.reset();apply()}e.open=true;e.scrollIntoView()}};",
  'const openAll=open=>{for(const b of blocks)if(!b.e.hidden)b.e.open=open};',
  "form.addEventListener('input',apply);form.addEventListener('reset',()=>setTimeout(apply));form.addEventListener('submit',e=>e.preventDefault());",
  "document.getElementById('open-all').addEventListener('click',e=>{const open=e.target.textContent==='Open all';openAll(open);e.target.textContent=open?'Close all':'Open all'});",
  "addEventListener('hashchange',reveal);addEventListener('beforeprint',()=>openAll(true));",
  'form.hidden=false;apply();reveal();',
].join('\n');
