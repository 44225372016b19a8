"""The field for rich text: edited as it will look, cleaned on the way in."""

from django_prose_editor.fields import ProseEditorField

from library import markup

EXTENSIONS = {
    "Bold": True,
    "Italic": True,
    "Strike": True,
    "Code": True,
    "CodeBlock": {"languageClassPrefix": "language-"},
    "CodeLanguage": True,
    "Heading": {"levels": [2, 3, 4]},
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Blockquote": True,
    "HorizontalRule": True,
    "HardBreak": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto"]},
    "Table": True,
    "TableRow": True,
    "TableHeader": True,
    "TableCell": True,
    "Picture": True,
    "PictureCaption": True,
    "PictureFigure": True,
    "Pictures": True,
    "TrailingNode": True,
    "History": True,
    "HTML": True,
    "Fullscreen": True,
}


class RichTextField(ProseEditorField):
    """HTML as library.markup.clean leaves it, whoever writes it."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **{"extensions": {**EXTENSIONS}, "sanitize": markup.clean, **kwargs})

    def pre_save(self, instance, add: bool) -> str:
        cleaned = markup.clean(super().pre_save(instance, add) or "")
        setattr(instance, self.attname, cleaned)
        return cleaned
