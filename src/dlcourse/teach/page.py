"""Text that a notebook shows: HTML for front ends, and the same as plain text for everyone else."""

from html import escape


def show(html: str, text: str) -> None:
    """Display `html`, or `text` where HTML cannot be shown."""
    from IPython.display import display

    display({"text/html": html, "text/plain": text}, raw=True)


def table(caption: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> tuple[str, str]:
    """A table of texts as (HTML, plain text)."""
    head = "".join(f"<th style='text-align:left'>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    html = (
        f"<table><caption style='text-align:left'>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (columns, *rows)
    ]
    return html, "\n".join([caption, *lines])
