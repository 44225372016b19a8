/**
 * Where each picture stands on the stage. Pure: sizes in pixels go in, rectangles come out.
 *
 * Three layouts: alone (one's own picture is all there is), pair (the other fills the stage, one's own picture sits in a corner) and grid
 * (three to six, all alike). `inset` is what the stage keeps free: the edges of a phone's screen, and below them the bar.
 */

import { grid } from './layout.js';

const GAP = 8; // between the pictures of a grid
const MARGIN = 16; // between the corner picture and the edge
const BAR_WIDTH = 440; // room for the bar and a little air; beside it the corner picture may sit at the very bottom
const CORNER_SHARE = 0.19; // of the longer side of the stage
const CORNER_LEAST = 120;
const CORNER_MOST = 264;
const WIDEST = 16 / 9;
const NARROWEST = 3 / 4;
const USUAL = 4 / 3;
// A picture of which less than this would be seen is shown whole: faces bear losing the sides better than the top.
const WIDTH_SEEN_LEAST = 0.4;
const HEIGHT_SEEN_LEAST = 0.6;

export const CORNERS = ['top-left', 'top-right', 'bottom-right', 'bottom-left'];

/** @param {number} others how many others have a picture on the stage */
export function layoutFor(others) {
  if (others === 0) return 'alone';
  return others === 1 ? 'pair' : 'grid';
}

/**
 * @param {{ others: number, width: number, height: number, inset: {top: number, right: number, bottom: number, left: number},
 *           bar: number, corner: string, aspect: number|null }} stage `bar`: the part of inset.bottom that the bar takes; `aspect`: of one's own picture
 * @returns {{ own: Rect, others: Rect[] }} where Rect is {x, y, width, height}
 */
export function places({ others, ...stage }) {
  const all = { x: 0, y: 0, width: stage.width, height: stage.height };
  if (others === 0) return { own: all, others: [] };
  if (others === 1) return { own: cornerPlace(stage), others: [all] };
  const [own, ...rest] = gridPlaces(others + 1, stage).reverse();
  return { own, others: rest.reverse() };
}

function cornerPlace({ width, height, inset, bar, corner, aspect }) {
  const long = Math.round(clamp(CORNER_SHARE * Math.max(width, height), CORNER_LEAST, CORNER_MOST));
  const ratio = clamp(aspect ?? USUAL, 1 / WIDEST, WIDEST);
  const size = ratio >= 1 ? { width: long, height: Math.round(long / ratio) } : { width: Math.round(long * ratio), height: long };
  const besideBar = (width - BAR_WIDTH) / 2 >= size.width + 2 * MARGIN;
  const bottom = height - size.height - MARGIN - (besideBar ? inset.bottom - bar : inset.bottom);
  return {
    ...size,
    x: corner.endsWith('left') ? inset.left + MARGIN : width - inset.right - MARGIN - size.width,
    y: corner.startsWith('top') ? inset.top + MARGIN : bottom,
  };
}

function gridPlaces(count, { width, height, inset }) {
  const area = { width: width - inset.left - inset.right - 2 * GAP, height: height - inset.top - inset.bottom - GAP };
  const { columns, rows } = grid(count, area.width + GAP, area.height + GAP, USUAL);
  const cell = { width: (area.width - GAP * (columns - 1)) / columns, height: (area.height - GAP * (rows - 1)) / rows };
  const tileWidth = Math.floor(Math.min(cell.width, cell.height * WIDEST));
  const tileHeight = Math.floor(Math.min(cell.height, tileWidth / NARROWEST));
  const top = inset.top + GAP + (area.height - rows * tileHeight - GAP * (rows - 1)) / 2;

  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, count - row * columns);
    const left = inset.left + GAP + (area.width - inRow * tileWidth - GAP * (inRow - 1)) / 2;
    return {
      x: Math.round(left + (index % columns) * (tileWidth + GAP)),
      y: Math.round(top + row * (tileHeight + GAP)),
      width: tileWidth,
      height: tileHeight,
    };
  });
}

/** The corner that is nearest to a point of the stage. */
export function nearestCorner({ x, y }, { width, height }) {
  return `${y < height / 2 ? 'top' : 'bottom'}-${x < width / 2 ? 'left' : 'right'}`;
}

/** The corner that an arrow key leads to; the same corner for any other key. */
export function cornerTowards(key, corner) {
  const [block, inline] = corner.split('-');
  const moves = { ArrowUp: `top-${inline}`, ArrowDown: `bottom-${inline}`, ArrowLeft: `${block}-left`, ArrowRight: `${block}-right` };
  return moves[key] ?? corner;
}

/** The next corner, clockwise. */
export function cornerAfter(corner) {
  return CORNERS[(CORNERS.indexOf(corner) + 1) % CORNERS.length];
}

/** Whether a picture fills its tile ("cover") or is shown whole ("contain"). @param {number} tile aspect @param {number} picture aspect */
export function fit(tile, picture) {
  const isLost = picture > tile ? tile / picture < WIDTH_SEEN_LEAST : picture / tile < HEIGHT_SEEN_LEAST;
  return isLost ? 'contain' : 'cover';
}

function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
