"""Nothing that the site says is missing in one of its languages, or says something else there."""

import re

import pytest
from babel.messages.checkers import checkers
from babel.messages.pofile import PoFileError
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, ngettext

from gruveo import catalogues
from library import texts

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
EVERY = [(domain, language) for domain in catalogues.DOMAINS for language in LANGUAGES]
PLACE = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"<[^>]+>")


def catalogue(domain: str, language: str):
    return catalogues.load(catalogues.LOCALES / language / "LC_MESSAGES" / f"{domain}.po")


def forms(text) -> list[str]:
    return list(text) if isinstance(text, list | tuple) else [text]


def messages(domain: str, language: str):
    return [message for message in catalogue(domain, language) if message.id]


@pytest.mark.parametrize(("domain", "language"), EVERY)
class CatalogueTests:
    def test_says_all_that_the_code_says_and_nothing_else(self, domain, language):
        said = {(message.context, str(message.id)) for message in catalogues.said(domain) if message.id}

        there = {(message.context, str(message.id)) for message in messages(domain, language)}

        assert there == said

    def test_leaves_no_message_empty_or_fuzzy(self, domain, language):
        for message in messages(domain, language):
            assert all(form.strip() for form in forms(message.string)), message.id
            assert not message.fuzzy, message.id

    def test_has_the_same_placeholders_and_tags(self, domain, language):
        for message in messages(domain, language):
            for form in forms(message.string):
                for kind in (PLACE, TAG):
                    assert sorted(kind.findall(form)) == sorted(kind.findall(forms(message.id)[-1])), message.id

    def test_has_each_plural_form_of_its_language(self, domain, language):
        of_language = catalogue(domain, language)
        plural = [message for message in messages(domain, language) if message.pluralizable]

        assert plural
        for message in plural:
            assert len(forms(message.string)) == of_language.num_plurals, message.id

    def test_passes_the_checks_of_babel(self, domain, language):
        of_language = catalogue(domain, language)

        for message in messages(domain, language):
            for check in checkers:
                check(of_language, message)

    def test_keeps_the_space_at_either_end_and_the_stop_at_the_end(self, domain, language):
        for message in messages(domain, language):
            for form in forms(message.string):
                assert form == form.strip(), message.id
                assert form.endswith((".", ".</a>", "’.")) == forms(message.id)[0].endswith((".", ".</a>")) or (
                    "_" in form or "“" in form or "%" in form or "min" in form.lower()
                ), message.id


def test_every_call_of_the_modules_is_found():
    """What Babel overlooked would stay in English and nobody would hear of it."""
    calls = set()
    for path in sorted((catalogues.ROOT / "static/js").glob("*.js")):
        calls |= set(re.findall(r"gettext\(\s*'((?:[^'\\]|\\.)*)'", path.read_text()))

    assert {str(forms(message.id)[0]) for message in catalogues.said("djangojs") if message.id} == calls


def test_a_text_for_people_in_a_module_is_marked():
    """Sentences stand nowhere but in calls of gettext."""
    for name in ("words", "controls", "notices", "tiles", "room", "lobby", "faq", "reading"):
        code = (catalogues.ROOT / f"static/js/{name}.js").read_text()
        code = re.sub(r"/\*.*?\*/", "", re.sub(r"(?m)(?<!:)//.*$", "", code), flags=re.DOTALL)
        for match in re.finditer(r"(.{0,80})'([A-Z][a-z]+ [a-z][^']*)'", code):
            assert re.search(r"gettext\(\s*(?:'[^']*',\s*)?$", match[1]) or not match[1].strip(), match[0]


def test_a_text_for_people_in_a_template_is_marked():
    """What is left when tags, variables and marked texts are gone are names, the same in all languages, and the trap for programs."""
    same = {"Website", "Gruveo", "RSS", "Atom", "UTC", "M", "V", "C"}
    for path in sorted((catalogues.ROOT / "templates").rglob("*.html")):
        if path.parts[-2] in {"accounts", "admin", "library"} or "admin" in path.parts or path.name == "local_ca.html":
            continue  # for staff, in English
        text = path.read_text()
        for block in ("comment", "blocktranslate"):
            text = re.sub(rf"{{% {block}\b.*?{{% end{block} %}}", "", text, flags=re.DOTALL)
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", text)
        named = re.findall(r"""(?:title|alt|placeholder|aria-label)="([^"]*[a-z][^"]*)\"""", text)
        left = set(re.findall(r"[A-Za-z]+", re.sub(r"<!--.*?-->|<[^>]*>", " ", text, flags=re.DOTALL)))
        assert left <= same, path
        assert all(name.startswith("Gruveo blog") for name in named), path


def test_a_catalogue_that_is_none_is_refused_with_its_line(tmp_path):
    file = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid "One"\nmsgstr "Eins"\nand more\n')

    with pytest.raises(PoFileError):
        catalogues.load(file)


def test_what_changed_is_built_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path)
    file = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "One"\nmsgstr "Eins"\n')

    assert catalogues.build() == 1
    assert catalogues.build() == 0
    assert file.with_suffix(".mo").read_bytes()


def test_each_form_of_a_number_is_used():
    with translation.override("pl"):
        said = [ngettext("%(count)s result", "%(count)s results", count) % {"count": count} for count in (1, 2, 5, 22)]

    assert said == ["1 wynik", "2 wyniki", "5 wyników", "22 wyniki"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_modules_get_their_texts_and_nothing_else(language):
    with translation.override(language):
        page = texts.of_modules()
        marked = gettext("Video call")

    assert page["language"] == language
    said = {str(forms(message.id)[0]) for message in catalogues.said("djangojs") if message.id}
    assert set(page["messages"]) == said
    assert marked != "Video call"


def test_in_english_the_modules_get_nothing():
    with translation.override("en"):
        assert texts.of_modules() == {"language": "en", "messages": {}}
