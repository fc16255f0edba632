"""How Sphinx makes the course's site. `python -m dlcourse.build.site` puts the pages beside it."""

import io
import re
from html import escape

from docutils import nodes
from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image

project = html_title = "DL Practical"
extensions = ["myst_nb"]
exclude_patterns = ["extra", "static"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

# A section may go from its title to an exercise's heading.
suppress_warnings = ["myst.header"]

nb_execution_mode = "off"
# Pages hold no live widgets, and this would load their scripts from elsewhere.
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_code_prompt_show = "Show the check"
nb_code_prompt_hide = "Hide the check"

# A block that names no language is a tree of folders, or a command's answer.
highlight_language = "none"
html_theme = "furo"
pygments_dark_style = "a11y-dark"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["extra"]
html_math_renderer = "drawn"
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_show_sphinx = False


# Points, which are one em of the pages.
SIZE = 12


def setup(app):
    """Mathematics as drawings in the page: no script, no font, and the same in every browser."""
    app.add_html_math_renderer("drawn", (_inline, None), (_block, None))


def _inline(translator, node):
    translator.body.append(_drawn(node.astext()))
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="formula">{_drawn(node.astext())}</div>')
    raise nodes.SkipNode


def _drawn(formula):
    """The formula as SVG in the colour of the text, on its line, with its LaTeX for the ear."""
    formula, picture = " ".join(formula.split()), io.StringIO()
    style = {"mathtext.fontset": "cm", "savefig.transparent": True, "svg.hashsalt": formula}
    with rc_context(style):
        # The colour is one to be found again.
        depth = math_to_image(
            f"${formula}$", picture, FontProperties(size=SIZE), format="svg", color="#123456"
        )
    svg = picture.getvalue()
    width, height = (
        float(re.search(rf'<svg[^>]* {side}="([\d.]+)pt"', svg)[1]) / SIZE
        for side in ("width", "height")
    )
    [box] = re.findall(r'viewBox="[^"]*"', svg)
    drawn = re.search(r"</metadata>(.*)</svg>", svg, re.DOTALL)[1].replace(
        "#123456", "currentColor"
    )
    place = f"width:{width:.3f}em;height:{height:.3f}em;vertical-align:{-depth / SIZE:.3f}em"
    label = escape(formula, quote=True)
    return f'<svg class="math" role="img" aria-label="{label}" style="{place}" {box}>{drawn}</svg>'
