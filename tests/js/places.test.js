import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CORNERS, cornerAfter, cornerTowards, fit, layoutFor, nearestCorner, places } from '../../static/js/places.js';

const inset = { top: 0, right: 0, bottom: 88, left: 0 };
const desktop = { width: 1280, height: 800, inset, bar: 88, corner: 'bottom-right', aspect: 16 / 9 };
const phone = { width: 412, height: 839, inset, bar: 88, corner: 'bottom-right', aspect: 3 / 4 };

const all = ({ own, others }) => [own, ...others];
const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const inside = (r, { width, height }) => r.x >= 0 && r.y >= 0 && r.x + r.width <= width && r.y + r.height <= height;

test('the number of others says which layout it is', () => {
  assert.deepEqual([0, 1, 2, 5].map(layoutFor), ['alone', 'pair', 'grid', 'grid']);
});

test("alone, one's own picture fills the stage", () => {
  const { own, others } = places({ ...desktop, others: 0 });

  assert.deepEqual(own, { x: 0, y: 0, width: 1280, height: 800 });
  assert.deepEqual(others, []);
});

test("of two, the other fills the stage and one's own picture lies inside it in each corner", () => {
  for (const stage of [desktop, phone]) {
    for (const corner of CORNERS) {
      const { own, others } = places({ ...stage, corner, others: 1 });

      assert.deepEqual(others, [{ x: 0, y: 0, width: stage.width, height: stage.height }]);
      assert.ok(inside(own, stage));
      const middle = { x: own.x + own.width / 2, y: own.y + own.height / 2 };
      assert.equal(nearestCorner(middle, stage), corner);
    }
  }
});

test('on a phone the corner picture stands above the bar, on a wide stage beside it', () => {
  const narrow = places({ ...phone, others: 1 }).own;
  const wide = places({ ...desktop, others: 1 }).own;

  assert.ok(narrow.y + narrow.height <= 839 - 88);
  assert.ok(wide.y + wide.height > 800 - 88);
});

test("an odd or unknown shape of one's own picture still gives a sensible corner", () => {
  for (const aspect of [null, 0.1, 10]) {
    const { own } = places({ ...phone, aspect, others: 1 });

    assert.ok(own.width >= 60 && own.height >= 60, `${aspect}`);
  }
});

test('three to six pictures of one size lie inside the stage, above the bar, and never on each other', () => {
  for (const stage of [desktop, phone, { ...phone, width: 839, height: 412 }, { ...phone, width: 320, height: 480 }]) {
    for (const others of [2, 3, 4, 5]) {
      const rects = all(places({ ...stage, others }));

      assert.equal(rects.length, others + 1);
      rects.forEach((rect, index) => {
        assert.ok(inside(rect, { width: stage.width, height: stage.height - inset.bottom }), JSON.stringify(rect));
        assert.equal(`${rect.width} ${rect.height}`, `${rects[0].width} ${rects[0].height}`);
        rects.slice(index + 1).forEach((other) => assert.ok(!overlap(rect, other)));
      });
    }
  }
});

test("one's own picture comes last in the grid, and a short last row is centred", () => {
  const { own, others } = places({ ...desktop, others: 2 });

  assert.ok(own.y > others[0].y);
  assert.ok(Math.abs(own.x + own.width / 2 - 640) <= 1);
});

test('arrow keys and the press lead from corner to corner', () => {
  assert.equal(cornerTowards('ArrowUp', 'bottom-right'), 'top-right');
  assert.equal(cornerTowards('ArrowLeft', 'bottom-right'), 'bottom-left');
  assert.equal(cornerTowards('ArrowRight', 'bottom-right'), 'bottom-right');
  assert.equal(cornerTowards('Enter', 'top-left'), 'top-left');
  assert.equal(cornerAfter('bottom-left'), 'top-left');
});

test('a picture that would lose too much of itself is shown whole, and sooner at the top than at the sides', () => {
  assert.equal(fit(16 / 10, 16 / 9), 'cover');
  assert.equal(fit(16 / 10, 9 / 16), 'contain');
  assert.equal(fit(412 / 839, 16 / 9), 'contain');
  assert.equal(fit(1, 4 / 3), 'cover');
  assert.equal(fit(3 / 4, 16 / 9), 'cover');
  assert.equal(fit(16 / 9, 3 / 4), 'contain');
});
