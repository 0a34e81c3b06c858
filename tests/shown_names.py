"""Names as nobody would choose them, and a reader of each format that gives back what it shows."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vggcost.printable import printable

ATTACKS = (
    "<img src=x onerror=alert(1)>",
    "</td></table><script>alert(1)</script>",
    "&lt;b&gt; &#65;",
    "a|b",
    "\\| a \\",
    "`code` ``two``",
    "*bold* __strong__ ~~gone~~ _x_",
    "[text](http://x.y) ![i](x) [r][r] [r]: http://x.y",
    "https://x.y www.x.y <http://x.y>",
    "- item",
    "# head",
    "1. one",
    "> said",
    "---",
    "===",
    "[x] done",
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "\uff1d1",
    "$x$ $$y$$ \\input{x} %comment",
    "*star [1] --- ''' ,,, ``quote''",
    "#1 50% a_b ^c ~d {e} & f",
    "\x1b[31mred\x1b]0;title\x07",
    "a\nb",
    "a\r\n::error::b",
    "\u2028line\u2029paragraph\x85next",
    "\u202egnp.exe \u2066x\u2069 \u200e\u200f\u061c",
    "\ufeffmark \u200bnothing",
    "half \udcff \ud800",
    "nul \x00 del \x7f c1 \x9b31m",
    "a  b",
    '"quoted", and; split',
    "]]> <!-- --> <?x?>",
    "_hidden",
    "größe 卷积 \U0001f600",
)

_SIGNS = "".join(sorted({sign for attack in ATTACKS for sign in attack}))
NAMES = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(st.sampled_from(_SIGNS), min_size=1, max_size=12),
    st.text(min_size=1, max_size=8),
).filter(lambda name: name.strip() == name)
"""Names that begin and end with a sign, for every medium drops white space there."""


def plain(name):
    """What a person is shown of a name."""
    return printable(name).strip()


def joined(name):
    """A name whose halves of surrogate pairs are one sign where two stand together: JSON knows no difference."""
    return name.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def unseen(text):
    """The signs of a text that a terminal would act upon, or that nobody sees."""
    return {sign for sign in text if not sign.isprintable() and sign != "\n"}


def read_csv(text):
    """The cells."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    return [cell.removeprefix("'") for row in rows for cell in row]


def read_json(text):
    """Every text that stands in the document."""
    return list(_texts(json.loads(text)))


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (key for key in value)
        yield from (text for each in value.values() for text in _texts(each))
    elif isinstance(value, list):
        yield from (text for each in value for text in _texts(each))


class _Html(HTMLParser):
    TAGS = frozenset(["p", "br", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"])

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.texts, self._open = [], []

    def handle_starttag(self, tag, attrs):
        assert tag in self.TAGS, tag
        words = dict(attrs)
        assert words.pop("scope", "row") in ("row", "col")
        assert words.pop("style", "text-align: left").startswith("text-align: ")
        assert not words
        self.texts.append("")
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        self.texts.append("")

    def handle_data(self, data):
        assert self._open or not data.strip()
        self.texts.append(self.texts.pop() + data if self.texts else data)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def read_html(text):
    """The texts between tags, of which there are none but those of tables and sentences."""
    parser = _Html()
    parser.feed(text)
    parser.close()
    assert not parser._open
    return [" ".join(each.split("\n")).strip() for each in parser.texts]


_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_PARTS = ("paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td")
_BLOCKS = frozenset(("inline", *(f"{part}_{end}" for part in _PARTS for end in ("open", "close"))))


def read_markdown(text):
    """The texts that CommonMark with tables shows, in which nothing is set apart but formulas."""
    found = []
    for token in _MARKDOWN.parse(text):
        assert token.type in _BLOCKS, token.type
        line = ""
        for part in token.children or ():
            assert part.type in ("text", "text_special", "softbreak", "code_inline"), part.type
            if part.type == "softbreak":
                found.append(line)
                line = ""
            line += part.content
        found.append(line)
    return [line.strip() for line in found]


_LATEX_WORDS = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "textasciigrave": "`",
}
_LATEX = re.compile(
    r"\\(?P<end>\\)(?!\s*[\[*])|\\text\{(?P<group>)|\\(?P<word>[a-zA-Z]+)(?:\{\})?|\\(?P<sign>[&%$#_{}])|(?P<kept>\{[\[*]\})"
    r"|(?P<apart>(?<=[-',])\{\}(?=[-',]))|(?P<cell>&)|(?P<math>(?<!\\)\$[^$\n]*\$)|(?P<text>(?<=\S)\*|[^\\{}&%$#_^~`<>|\[*])"
)
_LATEX_FRAME = re.compile(
    r"\\(?:begin|end)\{(?:tabular|itemize|align\*)\}(?:\{(?:[lr]|p\{0\.4\\linewidth\})*\})?"
    r"|\\(?:noindent|toprule|midrule|bottomrule|item)\b"
)


def read_latex(text):
    """The cells and sentences; every sign with a meaning must stand where the renderer puts one."""
    found, line = [], ""
    text = _LATEX_FRAME.sub("\0", text)
    place = 0
    while place < len(text):
        if text[place] in "\0\n":
            found.append(line)
            line, place = "", place + 1
            continue
        sign = _LATEX.match(text, place)
        assert sign, text[place : place + 20]
        kind, place = sign.lastgroup, sign.end()
        if kind in ("end", "cell"):
            found.append(line)
            line = ""
        elif kind == "word":
            line += _LATEX_WORDS[sign["word"]]
        elif kind == "kept":
            line += sign["kept"][1]
        elif kind in ("sign", "text"):
            line += sign[kind]
    found.append(line)
    assert not any(pair in re.sub(r"\\[a-zA-Z]+|\{\}", " ", text.replace("{}", "\1")) for pair in ("--", "''", ",,"))
    return [each.strip() for each in found]


_S_COLUMN = re.compile(r"S\[table-format=\+?\d+\.\d+,group-separator=\{,\},group-minimum-digits=4\]")
_HEADS = re.compile(r"(?<=\\toprule\n).*")


def read_siunitx(text):
    """As LaTeX; siunitx has columns of its own, and takes a heading that is no number in braces."""
    return read_latex(_HEADS.sub(_bare_heads, _S_COLUMN.sub("r", text)))


def _bare_heads(found):
    cells = found[0].removesuffix(r" \\").split(" & ")
    braced = re.compile(r"\{(?![\[*]\}).*\}")
    return " & ".join(cell[1:-1] if braced.fullmatch(cell) else cell for cell in cells) + r" \\"


_TYPST_TEXT = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_TYPST_WORDS = [
    "table",
    "figure",
    "list",
    "raw",
    "columns",
    "align",
    "stroke",
    "none",
    "hline",
    "header",
    "caption",
    "auto",
    "1fr",
    "left",
    "right",
    "0",
    "5pt",
]


def read_typst(text):
    """The strings, beside which nothing stands but vggcost's own words."""
    frame = _TYPST_TEXT.sub("", text)
    assert set(re.findall(r"\w+", frame)) <= set(_TYPST_WORDS), frame
    assert re.fullmatch(r"[\w\s#(),.:\\]*", frame), frame
    return [re.sub(r"\\(.)", r"\1", found).strip() for found in _TYPST_TEXT.findall(text)]


def read_xml(text):
    """Every text and attribute."""
    return [
        text
        for element in ET.fromstring(text).iter()  # noqa: S314  # written a moment ago
        for text in (*element.attrib.values(), *(element.text or "").split("\n"), *(element.tail or "").split("\n"))
    ]


def read_github(text):
    """The values and the message of each annotation, a line each."""
    found = []
    for line in text.removesuffix("\n").split("\n"):
        command = re.fullmatch(r"::(?:error|notice) ([^:]*)::(.*)", line)
        assert command, line
        values = [pair.partition("=")[2] for pair in command[1].split(",")]
        found += [decoded for each in (*values, command[2]) for decoded in _decoded(each).split("\n")]
    return found


def _decoded(text):
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


READERS = {
    "markdown": read_markdown,
    "csv": read_csv,
    "json": read_json,
    "latex": read_latex,
    "latex-siunitx": read_siunitx,
    "typst": read_typst,
    "html": read_html,
    "junit": read_xml,
    "sarif": read_json,
    "github": read_github,
}


def shows(fmt, text, name):
    """Whether what a format's text shows has a name in it, and nothing that acts on who shows it."""
    assert not unseen(text), unseen(text)
    if fmt == "table":
        return "".join(plain(name).split()) in "".join(text.split())
    wanted = joined(name) if fmt == "json" else plain(name)
    return any(wanted in each for each in READERS[fmt](text))
