"""Pages of what is no HTML yet.

pages.py text FILE PAGE TITLE   a text as it is
pages.py site DIRECTORY         the documents of the project, and index.html, which links all that is there
"""

import html
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
STYLE = """body { max-width: 62em; margin: 2em auto; padding: 0 1em; font: 16px/1.5 sans-serif; }
pre, code { font: 14px/1.4 monospace; background: #f4f4f4; }
pre { padding: .8em; overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border: 1px solid #ccc; padding: .3em .6em; text-align: left; vertical-align: top; }"""
# Title, page, and what is there.
REFERENCES = [
    ("C and C++", "c/index.html", "mysqlfabric.h and mysqlfabric.hpp"),
    ("Go", "go/go.html", "the module mysqlfabric"),
    ("Go, database/sql", "go/go_fabricsql.html", "pools that follow the primary"),
    ("Python", "python/mysqlfabric.html", "the package mysqlfabric"),
    ("Python, compat", "python/mysqlfabric/compat.html", "for programs that leave Connector/Python's mysql.connector.fabric"),
    ("Rust", "rust/mysqlfabric/index.html", "the inside of the library, for who works on it"),
]


def write(path, title, body):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{html.escape(title)}</title>"
                    f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n", encoding="utf-8")


def documents():
    """What is for people who use the library or work on it, the way to each from the top of the tree."""
    named = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md"]
    return [ROOT / name for name in named] + sorted((ROOT / "docs").glob("*.md"))


def render(markdown, document, pages):
    """A document as HTML, where links to other documents lead to their pages and others are texts."""
    body = markdown.markdown(document.read_text(encoding="utf-8"), extensions=["tables", "fenced_code", "sane_lists", "toc"])

    def lead(match):
        target, _, anchor = match[1].partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            return match[0]
        page = pages.get((document.parent / target).resolve())
        return f'href="{page}{"#" + anchor if anchor else ""}"' if page else ""

    return re.sub(r'href="([^"]*)"', lead, body)


def site(directory):
    try:
        import markdown
    except ImportError:
        markdown = None
    # A language that was left out has no folder; one that is there is there as a whole.
    lost = [page for _, page, _ in REFERENCES
            if (directory / page.split("/")[0]).exists() and not (directory / page).exists()]
    if lost:
        raise SystemExit(f"pages.py: not made: {', '.join(lost)}")
    links = [(title, page, what) for title, page, what in REFERENCES if (directory / page).exists()]
    body = ["<h1>libmysqlfabric</h1>", "<h2>Reference</h2>", "<table>"]
    body += [f'<tr><td><a href="{page}">{title}</a></td><td>{what}</td></tr>' for title, page, what in links]
    body += ["</table>"]
    if markdown:
        pages = {path: "documents/" + path.stem + ".html" for path in documents()}
        body += ["<h2>Documents</h2>", "<table>"]
        for path, page in pages.items():
            beside = {other: Path(name).name for other, name in pages.items()}
            title = path.read_text(encoding="utf-8").split("\n", 1)[0].lstrip("# ")
            write(directory / page, title, '<p><a href="../index.html">libmysqlfabric</a></p>'
                  + render(markdown, path, beside))
            body.append(f'<tr><td><a href="{page}">{path.name}</a></td><td>{html.escape(title)}</td></tr>')
        body.append("</table>")
    write(directory / "index.html", "libmysqlfabric", "\n".join(body))


if sys.argv[1] == "text":
    text = Path(sys.argv[2]).read_text(encoding="utf-8")
    write(Path(sys.argv[3]), sys.argv[4], f"<h1>{html.escape(sys.argv[4])}</h1>\n<pre>{html.escape(text)}</pre>")
else:
    site(Path(sys.argv[2]))
