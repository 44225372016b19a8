"""The house of docs/architecture.md: what may import what, read from the code itself."""

import ast
import re
from pathlib import Path

import pytest

from pages.templatetags.pages import CALL_MODULES

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gruveo", "signaling", "turnauth", "library", "accounts", "search", "blog", "pages", "capacity")

# Floor 0 is pure, 1 holds state, 2 is an edge, 3 is wiring. A new module must be put on a floor here first.
FLOORS = {
    "turnauth": {
        0: "credentials servers choice rules limits targets findings reports relay_config health rotation",
        1: "conf fleet ice models",
        2: "views admin probe progress discovery management.commands.turn_fleet management.commands.turn_drain "
        "management.commands.turn_config management.commands.turn_check management.commands.turn_credentials "
        "management.commands.turn_secret",
        3: "urls checks apps",
    },
    "signaling": {
        0: "codes protocol session limits tokens streams events heard endings native growth growth_charts tally",
        1: "conf rooms rooms.memory rooms.redis rooms.library accord wire links rounds shards switchboard node outbox pace deadlines "
        "addresses elsewhere models records",
        2: "consumers client sockets writer others views admin management.commands.call_minutes load management.commands.signaling_load",
        3: "routing urls apps",
    },
    "capacity": {
        0: "figures costs traffic model plan crowd beanstalk scaling plots",
        2: "options management.commands.capacity management.commands.autoscaling",
    },
    "library": {
        0: "markup history linked_data wxr wordpress charts",
        1: "conf texts pictures storage models fields freshness redirects filling links",
        2: "views kept middleware admin templatetags.library management.commands.empty_bin",
        3: "apps",
    },
    "accounts": {
        0: "front",
        1: "second_factor lockout",
        2: "middleware site admin management.commands.reset_second_factor",
        3: "urls apps",
    },
    "search": {
        0: "words",
        1: "models index finding",
        2: "views management.commands.search_index",
        3: "urls apps",
    },
    "blog": {
        0: "article order",
        1: "conf models",
        2: "found views feeds sitemaps admin sample templatetags.blog",
        3: "urls apps",
    },
    "pages": {
        1: "models conf icons hints",
        2: "found views forms posted sitemaps admin sample templatetags.pages",
        3: "urls apps",
    },
    "gruveo": {
        0: "env client_address logs checkups",
        1: "catalogues formats.en.formats private_file local_env one_process storage local_ca redis_hosts settings checks",
        2: "access metrics sentry handler health shelf languages lifespan middleware moving_in archive uvicorn_config http websocket "
        "fast_websocket local_ca_pages local_site management.commands.shelve_static "
        "management.commands.sample_content management.commands.clean_media management.commands.copy_media "
        "management.commands.purge management.commands.daily management.commands.erase_visitor "
        "management.commands.import_wordpress management.commands.export_site management.commands.import_site",
        3: "asgi urls apps local serve",
    },
}
# The same for the browser's modules: 0 pure, 1 browser objects, 2 the call, 3 parts of the screen, 4 entries.
JS_FLOORS = {
    0: "backoff codes codes-words layout negotiation places protocol reliable texts words",
    1: "clock line media peer prefs signaling",
    2: "call",
    3: "controls hiding lobby notices tiles wake-lock",
    4: "faq home reading room",
}
JS_IMPURE = r"\b(document|window|localStorage|sessionStorage|navigator|setTimeout|Date\.now|Math\.random|WebSocket|RTCPeerConnection)\b"
MAY_IMPORT = {
    "turnauth": set(),
    "capacity": {"signaling", "library.charts"},
    "library": set(),
    "accounts": set(),
    "search": set(),
    "blog": {"library", "accounts.front", "search.index"},
    "signaling": {"turnauth", "accounts.front", "library.charts"},
    "pages": {"signaling.codes", "turnauth", "library", "accounts.front", "search.index"},
    "gruveo": set(PACKAGES),
}
# What is not pure: frameworks, clocks, sockets, stores.
IMPURE = {
    "django",
    "channels",
    "redis",
    "asyncio",
    "socket",
    "time",
    "random",
    "secrets",
    "uvicorn",
    "boto3",
    "threading",
}


def modules(package: str) -> list[Path]:
    return [path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts]


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


# An empty __init__.py is no module.
EVERY = {dotted(path): path for package in PACKAGES for path in modules(package) if path.read_text().strip()}


def imports(path: Path) -> set[str]:
    """All imports of a module, those inside functions too, as dotted names of modules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            found |= {_module(node.module, alias.name) for alias in node.names}
    return found


def _module(module: str, name: str) -> str:
    return f"{module}.{name}" if f"{module}.{name}" in EVERY else module


def floor(module: str) -> int | None:
    package, _, rest = module.partition(".")
    for number, names in FLOORS[package].items():
        if rest in names.split():
            return number
    return None


OWN_IMPORTS = {module: {name for name in imports(path) if name in EVERY} for module, path in EVERY.items()}


@pytest.mark.parametrize("module", EVERY)
def test_every_module_has_a_floor(module):
    assert floor(module) is not None


@pytest.mark.parametrize("module", EVERY)
def test_imports_go_down_or_stay_level(module):
    for name in OWN_IMPORTS[module]:
        assert floor(name) <= floor(module), f"{module} imports {name}, which is above it"


@pytest.mark.parametrize("module", EVERY)
def test_packages_import_only_what_they_may(module):
    package = module.partition(".")[0]

    for name in OWN_IMPORTS[module]:
        other = name.partition(".")[0]
        assert other == package or MAY_IMPORT[package] & {name, other}, f"{module} may not import {name}"


@pytest.mark.parametrize("module", [module for module in EVERY if floor(module) == 0])
def test_the_ground_floor_is_pure(module):
    for name in imports(EVERY[module]):
        assert name.partition(".")[0] not in IMPURE, f"{module} imports {name}"


def test_there_is_no_circle():
    done, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            path.append(module)
            for name in OWN_IMPORTS[module]:
                visit(name)
            path.pop()
            done.add(module)

    for module in EVERY:
        visit(module)


@pytest.mark.parametrize("module", EVERY)
def test_only_conf_reads_the_settings_of_an_app(module):
    package, _, rest = module.partition(".")
    if package == "gruveo" or rest == "conf":
        return

    names = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(EVERY[module].read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert ("django.conf", "settings") not in names


JS_MODULES = {path.stem: path.read_text() for path in sorted((ROOT / "static" / "js").glob("*.js"))}


def js_floor(module: str) -> int:
    return next(number for number, names in JS_FLOORS.items() if module in names.split())


def js_imports(module: str) -> set[str]:
    return set(re.findall(r"""(?:from|import)\s*\(?['"]\./([\w-]+)\.js['"]""", JS_MODULES[module]))


class JavaScriptTests:
    def test_every_module_has_a_floor_and_every_floor_its_modules(self):
        assert sorted(" ".join(JS_FLOORS.values()).split()) == sorted(JS_MODULES)

    @pytest.mark.parametrize("module", JS_MODULES)
    def test_imports_go_down_or_stay_level(self, module):
        for name in js_imports(module):
            assert js_floor(name) <= js_floor(module), f"{module}.js imports {name}.js, which is above it"

    @pytest.mark.parametrize("module", JS_FLOORS[0].split())
    def test_the_ground_floor_is_pure(self, module):
        code = re.sub(r"//[^\n]*|/\*.*?\*/", "", JS_MODULES[module], flags=re.DOTALL)

        assert not re.search(JS_IMPURE, code)

    def test_only_parts_of_the_screen_and_entries_touch_the_page(self):
        for module, code in JS_MODULES.items():
            if js_floor(module) < 3:
                assert not re.search(r"\bdocument\.|querySelector|innerHTML", code), module

    def test_the_call_page_preloads_all_its_modules_and_no_others(self):
        needed, waiting = set(), {"room"}
        while waiting:
            needed |= waiting
            waiting = {name for module in waiting for name in js_imports(module)} - needed

        assert sorted(CALL_MODULES) == sorted(f"js/{name}.js" for name in needed)

    def test_imports_are_at_most_six_deep(self):
        def depth(module: str) -> int:
            return 1 + max(map(depth, js_imports(module)), default=0)

        assert max(map(depth, JS_MODULES)) <= 6
