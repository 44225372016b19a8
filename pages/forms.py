"""What visitors write to us."""

from django import forms
from django.utils.translation import gettext_lazy as _

from pages.models import Message


class MessageForm(forms.ModelForm):
    # Hidden from people, who leave it empty; programs that fill in whatever they find do not.
    website = forms.CharField(required=False, widget=forms.TextInput(attrs={"tabindex": -1, "autocomplete": "off"}))

    class Meta:
        model = Message
        fields = ["kind", "text", "email", "report"]
        widgets = {
            "text": forms.Textarea(attrs={"rows": 7}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
            "report": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }
        labels = {
            "kind": _("About"),
            "text": _("Message"),
            "email": _("Your e-mail address"),
            "report": _("Report id"),
        }
        help_texts = {
            "email": _("Only if you would like an answer."),
            "report": _("If a call gave you one, it helps us to find what went wrong."),
        }
        error_messages = {
            "text": {
                "required": _("Write us something first."),
                "max_length": _("This is longer than 5,000 characters."),
            },
            "kind": {"required": _("Choose what it is about.")},
            "email": {"invalid": _("This does not look like an e-mail address.")},
        }

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Choose one")), *Message.KINDS]
        for name in self.errors:
            if name in self.fields:
                self.fields[name].widget.attrs["aria-invalid"] = "true"

    @property
    def is_of_a_program(self) -> bool:
        return bool(self.cleaned_data.get("website"))
