// How to lay out pictures of one shape so that as little of the room as possible stays empty.

/**
 * The grid with the largest tiles; among equal ones that with the fewest empty places.
 * @param {number} count tiles
 * @param {number} width of the room, in any unit
 * @param {number} height of the room, in the same unit
 * @param {number} aspect width of a tile over its height
 * @returns {{columns: number, rows: number, tileWidth: number, tileHeight: number}}
 */
export function grid(count, width, height, aspect) {
  if (!(count > 0 && width > 0 && height > 0 && aspect > 0)) return { columns: 0, rows: 0, tileWidth: 0, tileHeight: 0 };
  const grids = Array.from({ length: count }, (_, index) => gridOf(index + 1, count, width, height, aspect));
  const sideBySide = width > height ? grids.reverse() : grids; // between grids as good, the one that lies as the room does
  return sideBySide.reduce((best, other) => (isBetter(other, best, count) ? other : best));
}

function gridOf(columns, count, width, height, aspect) {
  const rows = Math.ceil(count / columns);
  const tileWidth = Math.min(width / columns, (height / rows) * aspect);
  return { columns, rows, tileWidth, tileHeight: tileWidth / aspect };
}

function isBetter(a, b, count) {
  if (a.tileWidth !== b.tileWidth) return a.tileWidth > b.tileWidth;
  return a.columns * a.rows - count < b.columns * b.rows - count;
}
