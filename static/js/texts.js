/** The texts of the page in its visitor's language. Pure: the page hands them over; without any they are those that stand in the code. */

const CATEGORIES = ['zero', 'one', 'two', 'few', 'many', 'other']; // of CLDR, in the order in which catalogues list their forms
const PLACE = /%\((\w+)\)s/g;

let translated = {};
let plurals;
let categories;

speak({ language: 'en', messages: {} });

/**
 * @param {{ language: string, messages: Record<string, string|string[]> }} texts by the English ones; of one with plural forms the list,
 *   by the English singular
 */
export function speak({ language, messages }) {
  translated = messages;
  plurals = new Intl.PluralRules(language);
  const { pluralCategories } = plurals.resolvedOptions();
  categories = CATEGORIES.filter((category) => pluralCategories.includes(category));
}

/** @param {string} text in English; `%(name)s` is the place of values.name @param {Record<string, string|number>} [values] */
export function gettext(text, values = {}) {
  return fill(translated[text] ?? text, values);
}

/** The same for a text that depends on a whole number, whose place in it is `%(count)s`. */
export function ngettext(one, many, count, values = {}) {
  const forms = translated[one] ?? [one, many];
  const form = categories.indexOf(plurals.select(count));
  return fill(forms[form] ?? forms.at(-1), { count, ...values }); // a language has none for fractions that whole numbers do not need
}

function fill(text, values) {
  return text.replace(PLACE, (place, name) => values[name] ?? place);
}
