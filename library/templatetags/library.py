"""What templates of all apps ask for."""

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from library import freshness

register = template.Library()


@register.simple_tag(takes_context=True)
def absolute(context: dict, path: str) -> str:
    """An address of this site in full; one that is complete stays as it is."""
    return context["request"].build_absolute_uri(path)


@register.tag
def remembered(parser: Parser, token: Token) -> "Remembered":
    """
    `{% remembered "header" section=section %}…{% endremembered %}`: a part that many pages show, made once for each version of the
    content, language and value of what is named. There must be few such values: each is kept.

    Attack stopped: nothing of one visitor comes to stand in another's page, because in there only the names are known that were given,
    and neither the request, nor who is signed in, nor a token or a nonce.
    """
    _, name, *words = token.split_contents()
    given = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError(f"remembered takes a name and then name=value, not {' '.join(words)}.")
    content = parser.parse(["endremembered"])
    parser.delete_first_token()
    return Remembered(name.strip("\"'"), given, content)


class Remembered(template.Node):
    def __init__(self, name: str, given: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self._name = name
        self._given = given
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        values = {name: value.resolve(context) for name, value in self._given.items()}

        def make() -> SafeString:
            alone = template.Context(values, autoescape=context.autoescape)
            with alone.bind_template(context.template):
                return self.nodelist.render(alone)

        return freshness.remembered(f"{self._name} {get_language()} {values}", make)
