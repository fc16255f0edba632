"""How Sphinx makes the course's site. `python -m dlcourse.build.site` puts the pages beside it."""

from docutils import nodes
from docutils.utils.math import latex2mathml

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
html_math_renderer = "mathml"
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_show_sphinx = False


def setup(app):
    """Mathematics as MathML, which browsers draw without a script and screen readers read."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))


def _inline(translator, node):
    translator.body.append(latex2mathml.tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator, node):
    formula = latex2mathml.tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode
