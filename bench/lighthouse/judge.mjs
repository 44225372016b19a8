// What Lighthouse says of pages: node judge.mjs CATEGORIES URL… ; answers a line of JSON for each, in their order.

import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';

const [categories, ...urls] = process.argv.slice(2);
const chromeFlags = ['--headless=new', '--disable-gpu', '--disable-background-networking', '--mute-audio'];
if (process.getuid() === 0) chromeFlags.push('--no-sandbox');

const chrome = await launch({ chromePath: '/usr/bin/chromium', chromeFlags });
try {
  for (const url of urls) {
    const { lhr } = await lighthouse(url, {
      port: chrome.port,
      logLevel: 'silent',
      onlyCategories: categories.split(','),
      disableFullPageScreenshot: true,
    });
    if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
    console.log(JSON.stringify({ url, scores: scoresOf(lhr), wrong: wrongIn(lhr) }));
  }
} finally {
  chrome.kill();
}

function scoresOf({ categories }) {
  return Object.fromEntries(Object.entries(categories).map(([name, { score }]) => [name, score]));
}

function wrongIn({ audits }) {
  const judged = Object.values(audits).filter(({ score, scoreDisplayMode }) => score !== null && scoreDisplayMode !== 'informative');
  return judged.filter(({ score }) => score < 1).map(({ title, displayValue }) => [title, displayValue].filter(Boolean).join(': '));
}
