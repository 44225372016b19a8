"""FAQ, pages, what machines ask for, and what is shown when something is missing or broken."""

import re
import xml.etree.ElementTree as ET

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import RequestFactory
from django.utils.html import strip_tags

from pages import sample, views
from pages.models import FaqEntry, Page

pytestmark = pytest.mark.django_db

ATTACK = '<p onclick="alert(1)">Hello <script>alert(2)</script><a href="javascript:alert(3)">there</a></p><iframe src="//evil"></iframe>'


def make_page(**values) -> Page:
    return Page.objects.create(
        **{"slug": "about", "title": "About", "description": "What it is.", "body": "<p>Hello</p>"} | values
    )


class PageTests:
    def test_is_shown_at_its_address(self, client):
        make_page(body="<p>A <strong>short</strong> way.</p>")

        assert "<p>A <strong>short</strong> way.</p>" in client.get("/about/").content.decode()

    def test_that_does_not_exist_is_not_found(self, client):
        assert client.get("/press/").status_code == 404

    def test_loses_what_could_run_when_saved(self):
        page = make_page(body=ATTACK)

        assert page.body == '<p>Hello <a rel="noopener">there</a></p>'

    def test_loses_what_could_run_even_when_written_past_save(self, client):
        make_page()
        Page.objects.update(body=ATTACK)

        assert "alert(" not in client.get("/about/").content.decode()

    def test_refuses_an_address_that_is_not_in_the_code(self):
        with pytest.raises(ValidationError):
            Page(slug="blue-heron", title="x", description="x", body="x").full_clean()

    def test_stands_in_the_footer_only_when_it_exists(self, client):
        make_page(slug="terms", title="Terms")

        html = client.get("/faq/").content.decode()

        assert 'href="/terms/"' in html
        assert 'href="/privacy/"' not in html


class FaqTests:
    def test_groups_entries_by_topic_in_their_order(self, client):
        for order, (topic, slug) in enumerate([("Calls", "a"), ("Privacy", "b"), ("Calls", "c")]):
            FaqEntry.objects.create(topic=topic, slug=slug, question=slug, answer="<p>x</p>", order=order)

        topics = client.get("/faq/").context["topics"]

        assert [(topic, [e.slug for e in entries]) for topic, entries in topics.items()] == [
            ("Calls", ["a", "c"]),
            ("Privacy", ["b"]),
        ]

    def test_says_so_when_there_is_nothing(self, client):
        assert "There are no questions here yet." in client.get("/faq/").content.decode()

    def test_an_answer_loses_what_could_run(self):
        entry = FaqEntry.objects.create(topic="Calls", slug="a", question="a", answer=ATTACK)

        assert "alert(" not in entry.answer
        assert entry.get_absolute_url() == "/faq/#a"


class ForMachinesTests:
    def test_robots_are_told_where_the_sitemap_is(self, client):
        text = client.get("/robots.txt").content.decode()

        assert "Disallow: /admin/" in text
        assert "Sitemap: http://testserver/sitemap.xml" in text

    def test_every_sitemap_of_the_index_can_be_read(self, client):
        sample.add()
        index = ET.fromstring(client.get("/sitemap.xml").content)

        addresses = []
        for location in index.findall(".//{*}loc"):
            addresses += [e.text for e in ET.fromstring(client.get(location.text).content).findall(".//{*}loc")]

        assert "http://testserver/" in addresses
        assert "http://testserver/about/" in addresses
        assert "http://testserver/blog/" in addresses
        assert "http://testserver/press/" not in addresses

    def test_the_icon_that_browsers_ask_for_leads_to_ours(self, client):
        assert client.get("/favicon.ico")["Location"].endswith(".svg")

    def test_the_manifest_names_icons(self, client):
        response = client.get("/manifest.webmanifest")

        assert response["Content-Type"] == "application/manifest+json"
        assert [icon["purpose"] for icon in response.json()["icons"]] == ["any", "maskable"]


class MissingAndBrokenTests:
    def test_what_is_missing_leaves_the_code_field_at_hand(self, client):
        response = client.get("/nothing/here")

        assert response.status_code == 404
        assert 'name="code"' in response.content.decode()

    def test_the_error_page_needs_no_database_and_no_session(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            response = views.server_error(RequestFactory().get("/"))

        assert response.status_code == 500
        assert 'name="code"' in response.content.decode()


class SampleContentTests:
    def test_adds_nothing_the_second_time(self):
        assert sample.add() > 10
        assert sample.add() == 0

    def test_leaves_what_editors_changed(self):
        make_page(title="About us")

        call_command("sample_content", verbosity=0)

        assert Page.objects.get(slug="about").title == "About us"

    def test_every_page_of_it_is_shown(self, client):
        call_command("sample_content", verbosity=0)

        for address in ["/", "/faq/", "/blog/", "/about/", "/privacy/", "/terms/"]:
            assert client.get(address).status_code == 200

    def test_what_is_read_speaks_of_calls_and_not_of_rooms(self, client):
        call_command("sample_content", verbosity=0)
        posts = ["a-code-is-enough", "where-your-picture-goes", "growing-without-a-bigger-machine"]

        for address in ["/", "/blue-heron", "/faq/", "/privacy/", *(f"/blog/{post}/" for post in posts)]:
            text = strip_tags(client.get(address).content.decode())
            assert not re.search(r"\brooms?\b", text, re.IGNORECASE), address
