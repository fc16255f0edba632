"""What others wrote, for a page that someone else looks at: nothing in it runs, or takes for ever.

`nbgrader_config.py` has feedback pages and formgrader use these filters instead of nbconvert's.
"""

from functools import lru_cache
from html import escape
from typing import Any

import bleach
from bleach.css_sanitizer import ALLOWED_CSS_PROPERTIES, CSSSanitizer
from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

# What HTML outputs are made of: tables, texts and pictures.
TAGS = {
    *("table", "caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "th", "td"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "blockquote", "pre", "hr", "br"),
    *("ul", "ol", "li", "dl", "dt", "dd", "details", "summary", "figure", "figcaption", "img"),
    *("a", "abbr", "b", "code", "del", "em", "i", "kbd", "s", "samp", "small", "span", "strong"),
    *("sub", "sup", "u", "var"),
}
ATTRIBUTES = ("alt", "class", "colspan", "height", "href", "rowspan", "style", "title", "width")
PROTOCOLS = ("http", "https", "mailto", "data")
LINKS = ("http://", "https://", "mailto:", "#")
_STYLES = CSSSanitizer(
    {*ALLOWED_CSS_PROPERTIES, *("max-width", "margin", "padding", "border", "border-left")}
)
# Characters of a text that is read as Markdown, or of code that is coloured. Some texts take a time
# that grows with the square of their length.
MOST_TEXT = 20_000
# Tags of an HTML output, of which the same is true.
MOST_TAGS = 2_000


def html(text: str) -> str:
    """`text` as HTML that holds no script, form or frame, and loads no picture from elsewhere."""
    if text.count("<") > MOST_TAGS:
        return escape(text)
    return bleach.clean(
        text,
        tags=TAGS,
        attributes=_is_allowed,
        protocols=PROTOCOLS,
        css_sanitizer=_STYLES,
        strip=True,
    )


def _is_allowed(tag: str, name: str, value: str) -> bool:
    if name == "src":
        return tag == "img" and value.startswith("data:image/")
    if name == "href":
        return value.lower().startswith(LINKS)
    # A style may load pictures, by a name that can be written in many ways.
    harmless = name != "style" or ("url" not in value.lower() and "\\" not in value)
    return name in ATTRIBUTES and harmless


@pass_context
def markdown(context: Context, text: str) -> str:
    """Markdown as HTML; HTML that stands in it is shown as the text that it is."""
    attachments = context.get("cell", {}).get("attachments")
    if attachments:
        return _rendered.__wrapped__(text, attachments)
    return _rendered(text)


@lru_cache(4096)
def _rendered(text: str, attachments: dict[str, Any] | None = None) -> str:
    """The course's own cells are on every page, and made once."""
    if len(text) > MOST_TEXT:
        return f"<pre>{_beginning(text)}</pre>"
    renderer = IPythonRenderer(
        escape=True, allow_harmful_protocols=False, attachments=attachments or {}
    )
    return MarkdownWithMath(renderer=renderer).render(text)


def code(text: str, language: str | None = None, metadata: object = None) -> str:
    """Python code as HTML, in colours."""
    return _coloured(text)


@lru_cache(4096)
def _coloured(text: str) -> str:
    if len(text) > MOST_TEXT:
        return f'<div class="highlight"><pre>{_beginning(text)}</pre></div>'
    return Highlight2HTML(pygments_lexer="ipython3")(text)


def _beginning(text: str) -> str:
    left = len(text) - MOST_TEXT
    return escape(f"{text[:MOST_TEXT]}\n[{left:,} characters more, which the notebook has]")


FILTERS = {"clean_html": html, "markdown2html": markdown, "highlight_code": code}
