import assert from 'node:assert/strict';
import { test } from 'node:test';

import { grid } from '../../static/js/layout.js';

const shape = (count, width, height, aspect = 16 / 9) => {
  const { columns, rows } = grid(count, width, height, aspect);
  return `${columns}x${rows}`;
};

test('one picture has the room to itself', () => {
  assert.deepEqual(grid(1, 1600, 900, 16 / 9), { columns: 1, rows: 1, tileWidth: 1600, tileHeight: 900 });
});

test('two stand side by side on a desk and one above the other on a phone', () => {
  assert.equal(shape(2, 1600, 900), '2x1');
  assert.equal(shape(2, 400, 800), '1x2');
});

test('the usual numbers on a desk', () => {
  assert.equal(shape(3, 1600, 900), '2x2');
  assert.equal(shape(4, 1600, 900), '2x2');
  assert.equal(shape(5, 1600, 900), '3x2');
  assert.equal(shape(6, 1600, 900), '3x2');
});

test('a strip makes a single row', () => {
  assert.equal(shape(6, 3000, 200), '6x1');
});

test('all fit, keep their shape, and no other number of columns gives larger ones', () => {
  for (let count = 1; count <= 12; count += 1) {
    for (const [width, height, aspect] of [[1600, 900, 1.5], [390, 700, 0.75], [800, 800, 16 / 9], [10, 2000, 1]]) {
      const { columns, rows, tileWidth, tileHeight } = grid(count, width, height, aspect);
      assert.ok(columns * rows >= count && columns * (rows - 1) < count);
      assert.ok(columns * tileWidth <= width + 1e-9 && rows * tileHeight <= height + 1e-9);
      assert.ok(Math.abs(tileWidth / tileHeight - aspect) < 1e-9);
      for (let other = 1; other <= count; other += 1) {
        const otherWidth = Math.min(width / other, (height / Math.ceil(count / other)) * aspect);
        assert.ok(otherWidth <= tileWidth + 1e-9);
      }
    }
  }
});

test('nobody, or no room, is an empty grid', () => {
  const empty = { columns: 0, rows: 0, tileWidth: 0, tileHeight: 0 };
  for (const args of [[0, 100, 100, 1], [2, 0, 100, 1], [2, 100, 0, 1], [2, 100, 100, 0], [NaN, 1, 1, 1]]) assert.deepEqual(grid(...args), empty);
});
