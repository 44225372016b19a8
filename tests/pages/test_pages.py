"""FAQ, pages, what machines ask for, and what is shown when something is missing or broken."""

import io
import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import RequestFactory
from django.utils.html import strip_tags
from PIL import Image

from pages import sample, views
from pages.models import FaqEntry, FaqTopic, Message, Page

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

    def test_stands_in_the_footer_only_when_it_exists(self, client):
        make_page(slug="terms", title="Terms", place="footer")

        html = client.get("/faq/").content.decode()

        assert 'href="/terms/"' in html
        assert 'href="/privacy/"' not in html


class EditorsPageTests:
    def test_stands_under_p_and_takes_no_code_away(self, client):
        make_page(slug="blue-heron", title="Herons")

        assert "Herons" in client.get("/p/blue-heron/").content.decode()
        assert client.get("/blue-heron").templates[0].name == "pages/room.html"

    def test_one_of_the_fixed_list_stands_at_the_root_only(self, client):
        make_page(slug="about")

        assert client.get("/about/").status_code == 200
        assert client.get("/p/about/")["Location"] == "/about/"

    def test_is_linked_where_its_editors_say(self, client):
        make_page(slug="safety", title="Safety", place="header")
        make_page(slug="jobs", title="Jobs", place="footer")
        make_page(slug="quiet", title="Quiet")
        make_page(slug="gone", title="Gone", place="footer").put_in_bin()

        html = client.get("/faq/").content.decode()

        header, footer = html.split("</header>", 1)[0], html.split('<footer class="site-footer"', 1)[1]
        assert "/p/safety/" in header and "/p/safety/" not in footer
        assert "/p/jobs/" in footer and "/p/jobs/" not in header
        assert "/p/quiet/" not in html and "/p/gone/" not in html

    def test_an_old_address_leads_to_the_new_one(self, client):
        page = make_page(slug="old")
        page.slug = "new"
        page.save()

        assert client.get("/p/old/")["Location"] == "/p/new/"

    def test_one_that_leaves_the_fixed_list_leaves_its_address_to_the_site(self, client):
        page = make_page(slug="press")
        page.slug = "news"
        page.save()

        assert client.get("/press/").status_code == 404
        make_page(slug="press", title="Press again")
        assert "Press again" in client.get("/press/").content.decode()

    def test_in_the_bin_is_not_found_and_its_address_is_free(self, client):
        make_page(slug="news").put_in_bin()

        assert client.get("/p/news/").status_code == 404
        Page(slug="news", title="x", description="x", body="<p>x</p>").full_clean()

    def test_two_cannot_have_one_address(self):
        make_page(slug="news")

        with pytest.raises(ValidationError, match="Another page has this address"):
            Page(slug="news", title="x", description="x", body="<p>x</p>").full_clean()


def make_entry(slug: str = "a", topic: str = "Calls", **values) -> FaqEntry:
    place = {"Calls": 10, "Privacy": 20}.get(topic, 30)
    values["topic"] = FaqTopic.objects.get_or_create(name=topic, defaults={"order": place})[0]
    return FaqEntry.objects.create(**{"slug": slug, "question": slug, "answer": "<p>x</p>"} | values)


class FaqTests:
    def test_groups_entries_by_topic_in_the_order_of_their_editors(self, client):
        make_entry("a", "Privacy")
        make_entry("b", "Calls", order=20)
        make_entry("c", "Calls", order=10)
        make_entry("gone").put_in_bin()

        topics = client.get("/faq/").context["topics"]

        assert [(topic, [entry.slug for entry in entries]) for topic, entries in topics.items()] == [
            ("Calls", ["c", "b"]),
            ("Privacy", ["a"]),
        ]

    def test_says_so_when_there_is_nothing(self, client):
        assert "There are no questions here yet." in client.get("/faq/").content.decode()

    def test_an_answer_loses_what_could_run(self, client):
        entry = make_entry(answer=ATTACK)

        assert "alert(" not in entry.answer
        assert entry.get_absolute_url() == "/faq/#a"
        FaqEntry.objects.update(answer=ATTACK)
        assert "alert(" not in client.get("/faq/").content.decode()

    @pytest.mark.parametrize(
        ("words", "found"),
        [("CAMERA", ["b"]), ("camera phone", ["b"]), ("straße", ["c"]), ("nothing", []), (" ", "abc")],
    )
    def test_without_a_script_the_server_filters(self, client, words, found):
        make_entry("a")
        make_entry("b", answer="<p>On a <em>phone</em>, the Camera.</p>")
        make_entry("c", question="In der STRASSE?")

        answer = client.get("/faq/", {"q": words})

        entries = [entry.slug for topic in answer.context["topics"].values() for entry in topic]
        assert entries == list(found)
        assert ('name="robots" content="noindex"' in answer.content.decode()) == bool(words.strip())

    def test_search_engines_are_told_questions_and_answers_in_words(self, client):
        make_entry(question="Is it </script><b>safe</b>?", answer="<p>Yes, <em>always</em>.</p><p>Really.</p>")

        html = client.get("/faq/").content.decode()

        said = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html)[1])
        assert said["@type"] == "FAQPage"
        (question,) = said["mainEntity"]
        assert question["name"] == "Is it </script><b>safe</b>?"
        assert question["acceptedAnswer"]["text"] == "Yes, always. Really."

    def test_there_are_as_many_queries_for_one_question_as_for_many(self, client, django_assert_max_num_queries):
        for number in range(50):
            make_entry(f"q-{number}", answer='<p>x</p><img data-picture="7">')

        with django_assert_max_num_queries(3):
            client.get("/faq/")


class HelpfulTests:
    HERE = {"HTTP_SEC_FETCH_SITE": "same-origin"}

    def test_an_answer_is_counted_and_thanked_for_without_a_cookie(self, client):
        entry = make_entry()

        for answer in ["yes", "yes", "no"]:
            answered = client.post("/faq/a/helpful/", {"answer": answer}, **self.HERE)
            assert (answered.status_code, answered["Location"]) == (303, "/faq/?answered=a#a")
            assert not answered.cookies

        entry.refresh_from_db()
        assert (entry.helped, entry.did_not_help, entry.version) == (2, 1, 1)
        assert "Thank you" in client.get("/faq/?answered=a").content.decode()

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"HTTP_SEC_FETCH_SITE": "cross-site"},
            {"HTTP_SEC_FETCH_SITE": "same-site"},
            {"HTTP_ORIGIN": "https://evil.example"},
            {"HTTP_ORIGIN": "null"},
        ],
    )
    def test_what_another_page_sends_is_refused(self, client, headers):
        entry = make_entry()

        assert client.post("/faq/a/helpful/", {"answer": "yes"}, **headers).status_code == 403
        entry.refresh_from_db()
        assert entry.helped == 0

    def test_an_older_browser_is_known_by_its_origin(self, client, settings):
        make_entry()

        origin = str(settings.SITE_ORIGINS[0])

        assert client.post("/faq/a/helpful/", {"answer": "yes"}, HTTP_ORIGIN=origin).status_code == 303

    @pytest.mark.parametrize("answer", ["", "maybe"])
    def test_another_answer_is_refused(self, client, answer):
        make_entry()

        assert client.post("/faq/a/helpful/", {"answer": answer}, **self.HERE).status_code == 400

    def test_what_does_not_exist_is_not_found_and_what_is_read_is_not_counted(self, client):
        make_entry().put_in_bin()

        assert client.post("/faq/a/helpful/", {"answer": "yes"}, **self.HERE).status_code == 404
        assert client.get("/faq/a/helpful/").status_code == 405

    def test_one_address_is_counted_sixty_times_an_hour(self, client):
        entry = make_entry()

        for _ in range(65):
            assert client.post("/faq/a/helpful/", {"answer": "yes"}, **self.HERE).status_code == 303

        entry.refresh_from_db()
        assert entry.helped == 60


class ContactTests:
    HERE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
    GIVEN = {"kind": "abuse", "text": "Somebody was rude.", "email": "ada@example.org", "report": "r-7"}

    def test_a_message_arrives_and_is_seen_in_the_admin(self, client, admin_client):
        answer = client.post("/contact/", self.GIVEN, **self.HERE)

        assert (answer.status_code, answer["Location"]) == (303, "/contact/?sent")
        message = Message.objects.get()
        assert (message.kind, message.text, message.email, message.report, message.done) == (
            *self.GIVEN.values(),
            False,
        )
        assert "Your message has arrived." in client.get("/contact/?sent").content.decode()
        for address in ["/admin/", "/admin/pages/message/"]:
            assert "Somebody was rude." in admin_client.get(address).content.decode()

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"text": " "}, "Write us something first."),
            ({"text": "x" * 5001}, "This is longer than 5,000 characters."),
            ({"kind": ""}, "Choose what it is about."),
            ({"kind": "other"}, "Select a valid choice."),
            ({"email": "nobody"}, "This does not look like an e-mail address."),
            ({"report": "x" * 41}, "at most 40 characters"),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_written_stays(self, client, wrong, words):
        answer = client.post("/contact/", self.GIVEN | wrong, **self.HERE)

        html = answer.content.decode()
        assert answer.status_code == 400
        assert words in html and 'aria-invalid="true"' in html and "Nothing has been sent yet" in html
        assert ("Somebody was rude." in html) == ("text" not in wrong)
        assert not Message.objects.exists()

    def test_five_an_hour_come_from_one_address_and_the_sixth_is_not_lost(self, client):
        answers = [client.post("/contact/", self.GIVEN, **self.HERE) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [303] * 5 + [429]
        assert "Somebody was rude." in answers[-1].content.decode()
        assert Message.objects.count() == 5
        other = client.post("/contact/", self.GIVEN, REMOTE_ADDR="192.0.2.7", **self.HERE)
        assert other.status_code == 303

    def test_one_that_is_refused_is_not_counted(self, client):
        for _ in range(9):
            client.post("/contact/", {}, **self.HERE)

        assert client.post("/contact/", self.GIVEN, **self.HERE).status_code == 303

    def test_a_program_that_fills_in_everything_is_thanked_and_not_heard(self, client):
        assert client.post("/contact/", self.GIVEN | {"website": "https://spam"}, **self.HERE).status_code == 303
        assert not Message.objects.exists()

    def test_what_another_page_sends_is_refused(self, client):
        assert client.post("/contact/", self.GIVEN, HTTP_SEC_FETCH_SITE="cross-site").status_code == 403
        assert not Message.objects.exists()

    def test_a_link_can_fill_it_in(self, client):
        html = client.get("/contact/?about=problem&report=%22r-9").content.decode()

        assert '<option value="problem" selected>' in html
        assert 'value="&quot;r-9"' in html

    def test_editors_write_what_stands_above_it(self, client):
        make_page(slug="contact", title="Write to us", body="<p>We read everything.</p>")

        html = client.get("/contact/").content.decode()

        assert "Write to us" in html and "We read everything." in html and "<form" in html
        sitemap = client.get("/sitemap-pages.xml").content.decode()
        assert sitemap.count("/contact/") == 1

    def test_what_a_visitor_wrote_cannot_run_in_the_admin(self, client, admin_client):
        client.post("/contact/", self.GIVEN | {"text": "<script>alert(1)</script>"}, **self.HERE)

        html = admin_client.get(f"/admin/pages/message/{Message.objects.get().pk}/change/").content.decode()

        assert "<script>alert(1)" not in html


class EditorsTests:
    """What the group Editors may do with all of this."""

    @pytest.fixture
    def editor(self, sign_in):
        user = User.objects.create_user("ed", is_staff=True)
        user.groups.add(Group.objects.get(name="Editors"))
        return sign_in(user)

    def test_orders_questions_by_hand_with_a_version_of_each_that_changed(self, editor):
        first, second = make_entry("a"), make_entry("b")
        form = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "_save": "Save"}
        for number, (entry, order) in enumerate([(first, 100), (second, 5)]):
            form |= {f"form-{number}-id": entry.pk, f"form-{number}-order": order}

        assert editor.post("/admin/pages/faqentry/", form).status_code == 302

        second.refresh_from_db()
        assert second.order == 5
        assert second.history.get().snapshot["order"] == "5"
        assert not first.history.exists()

    def test_says_that_a_message_is_done_but_cannot_change_or_make_one(self, editor):
        message = Message.objects.create(kind="question", text="Why?")

        editor.post(f"/admin/pages/message/{message.pk}/change/", {"done": "on", "note": "Because.", "text": "No."})

        message.refresh_from_db()
        assert (message.done, message.note, message.text) == (True, "Because.", "Why?")
        assert editor.get("/admin/pages/message/add/").status_code == 403
        assert editor.get(f"/admin/pages/message/{message.pk}/delete/").status_code == 403

    def test_writes_a_page_that_is_at_its_address_at_once(self, editor, client):
        given = {"title": "News", "slug": "news", "description": "New.", "body": "<p>Hello</p>", "place": "footer"}

        assert editor.post("/admin/pages/page/add/", {**given, "order": 5}).status_code == 302

        assert "<p>Hello</p>" in client.get("/p/news/").content.decode()
        assert Page.objects.get().history.count() == 1

    @pytest.mark.parametrize(
        "address", ["pages/page", "pages/faqentry", "pages/faqtopic", "pages/message", "library/redirect"]
    )
    def test_finds_every_list(self, editor, address):
        make_page()
        make_entry()
        Message.objects.create(kind="question", text="Why?")

        assert editor.get(f"/admin/{address}/?q=x").status_code == 200


class ForMachinesTests:
    def test_robots_are_told_where_the_sitemap_is(self, client):
        text = client.get("/robots.txt").content.decode()

        assert "Disallow: /admin/" in text
        assert "Sitemap: http://testserver/sitemap.xml" in text

    def test_every_sitemap_of_the_index_can_be_read(self, client):
        sample.add()
        Page.objects.filter(slug="press").update(is_draft=True)
        index = ET.fromstring(client.get("/sitemap.xml").content)

        addresses = []
        for location in index.findall(".//{*}loc"):
            addresses += [e.text for e in ET.fromstring(client.get(location.text).content).findall(".//{*}loc")]

        assert "http://testserver/" in addresses
        assert "http://testserver/about/" in addresses
        assert "http://testserver/blog/" in addresses
        assert "http://testserver/press/" not in addresses

    @pytest.mark.parametrize(
        ("address", "kind", "side"),
        [("/favicon.ico", "ICO", 48), ("/apple-touch-icon.png", "PNG", 180), ("/icon-512.png", "PNG", 512)],
    )
    def test_icons_are_pictures_of_the_size_that_they_say(self, client, address, kind, side):
        image = Image.open(io.BytesIO(client.get(address).content))

        assert (image.format, image.size) == (kind, (side, side))
        image = image.convert("RGB")
        assert image.getpixel((1, 1)) == (14, 25, 32)
        red, green, blue = image.getpixel((side // 2, side // 2))  # where the two shapes overlap
        assert min(red, green, blue) > 240

    def test_there_is_no_icon_of_any_other_size(self, client):
        assert client.get("/icon-100000.png").status_code == 404

    def test_every_icon_of_the_manifest_is_there(self, client):
        response = client.get("/manifest.webmanifest")

        assert response["Content-Type"] == "application/manifest+json"
        icons = {icon["src"]: icon["sizes"] for icon in response.json()["icons"]}
        for address, size in icons.items():
            if size != "any":
                assert client.get(address)["Content-Type"] == "image/png"
        assert {"192x192", "512x512", "any"} <= set(icons.values())

    def test_who_has_found_a_hole_is_told_where_to_write(self, client, settings):
        lines = client.get("/.well-known/security.txt").content.decode().splitlines()

        said = dict(line.split(": ", 1) for line in lines)
        assert said["Contact"] == "http://testserver/contact/"
        left = datetime.fromisoformat(said["Expires"]) - datetime.now(UTC)
        assert timedelta(days=150) < left < timedelta(days=365)
        assert client.get("/security.txt")["Location"] == "/.well-known/security.txt"
        settings.SECURITY_CONTACT = "mailto:security@gruveo.example"
        assert "Contact: mailto:security@gruveo.example" in client.get("/.well-known/security.txt").content.decode()


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
