import pytest

from corpus.extract.blocks import Blocks

WORDS = "This is a sentence of the article, long enough to be prose and to be counted as such."
PARAGRAPH = f"<p>{WORDS}</p>"
LINKS = "".join(f'<li><a href="/{i}">Link number {i}</a></li>' for i in range(8))


def text(html, **options):
    return Blocks(**options).page_text(f"<html><body>{html}</body></html>")


def article(html):
    """What becomes of some HTML between two paragraphs of an article."""
    found = text(f"<article>{PARAGRAPH}{html}{PARAGRAPH}</article>")
    assert found.startswith(WORDS) and found.endswith(WORDS)
    return found[len(WORDS) : -len(WORDS)].strip("\n")


# what is kept in what form


def test_code_keeps_its_lines_and_indentation():
    code = "def f(x):\n    if x:\n\treturn  1\n\n    return 2"
    assert article(f"<pre>\n{code}\n\n</pre>") == code
    assert article('<pre class="line-numbers"><code>  <b>a</b>\n    b</code></pre>') == "  a\n    b"


def test_code_whose_lines_are_elements_keeps_them():
    assert article("<pre><span>a\n</span><span>  b\n</span></pre>") == "a\n  b"
    assert article("<pre>a<br>  b</pre>") == "a\n  b"


def test_line_numbers_beside_code_are_no_text():
    table = ('<table><tr><td class="linenos"><pre>1\n2</pre></td><td class="code"><pre>a\n  b</pre></td></tr></table>')
    assert article(table) == "a\n  b"


def test_a_tables_row_is_a_line():
    rows = ("<tr><th>Name</th><th>Length</th></tr><tr><td><p>Rhine</p></td><td>1,233<br>km</td></tr>"
            "<tr><td></td><td>0</td></tr>")
    assert article(f"<table><tbody>{rows}</tbody></table>") == "Name | Length\nRhine | 1,233 km\n| 0"


def test_a_table_made_for_layout_is_read_as_blocks():
    layout = f"<table><tr><td>{PARAGRAPH * 4}</td><td>{PARAGRAPH * 4}</td></tr></table>"
    assert "|" not in text(layout) and text(layout).count(WORDS) == 8


def test_a_table_in_a_table_keeps_its_own_rows():
    inner = "<table><tr><td>a</td><td>b</td></tr></table>"
    assert article(f"<table><tr><td>{PARAGRAPH}{PARAGRAPH}{PARAGRAPH}{PARAGRAPH}{inner}</td></tr></table>").endswith("a | b")


def test_items_have_a_dash_and_stand_close():
    assert article("<ul><li>one</li><li><p>two</p><p>more</p></li></ul>") == "- one\n- two\n\nmore"


def test_space_is_one_space_and_breaks_are_lines():
    assert article("<p>a \n  b<b>c</b> <i>d</i><br>e</p>") == "a bc d\ne"


# what is kept at all


def test_what_is_around_the_article_is_not_text():
    page = ("<header>Site</header><nav>Home</nav><div class=breadcrumbs>You are here</div>"
            f"<main><h1>Rivers</h1>{PARAGRAPH * 3}<div class=share-buttons>Share this</div></main>"
            "<aside>Buy now</aside><div id=cookie-banner>Cookies</div><footer>All rights reserved</footer>")
    assert text(page).split("\n\n") == ["Rivers", WORDS, WORDS, WORDS]


def test_names_that_mislead_are_overruled_by_the_text_in_them():
    assert text(f'<div class="has-modal popup sidebar">{PARAGRAPH * 5}</div>').count(WORDS) == 5
    assert text("".join(f'<div class="overlay">{PARAGRAPH}</div>' for _ in range(5))).count(WORDS) == 5


def test_a_list_of_links_beside_prose_goes_with_its_heading():
    found = text(f"<main><h1>Rivers</h1>{PARAGRAPH * 3}<h2>More</h2><ul>{LINKS}</ul><h2>Sources</h2>{PARAGRAPH}</main>")
    assert found.split("\n\n") == ["Rivers", WORDS, WORDS, WORDS, "Sources", WORDS]


def test_a_page_that_is_a_list_of_links_is_that_list():
    assert text(f"<nav>Home</nav><main><h1>Index</h1><ul>{LINKS}</ul></main>").count("- Link number") == 8


def test_a_table_of_links_is_data():
    rows = "".join(f"<tr><td>19{i}</td><td><a href=/a{i}>Laureate {i}</a></td><td><a href=/b{i}>Land {i}</a></td></tr>"
                   for i in range(10, 30))
    assert "1910 | Laureate 10 | Land 10" in text(f"<main>{PARAGRAPH * 2}<table>{rows}</table></main>")


def test_of_several_posts_none_is_the_page():
    posts = "".join(f'<div class="post">{PARAGRAPH * n}</div>' for n in (9, 3, 2))
    assert text(f"<div>{posts}</div>").count(WORDS) == 14


def test_the_lead_between_title_and_body_is_text():
    lead = f"Lead: {WORDS} It goes on for a while."
    page = f"<div><h1>Rivers</h1><p>{lead}</p></div><div class=article-body>{PARAGRAPH * 6}</div>"
    assert lead in text(page)


def test_comments_are_left_out_unless_asked_for_or_all_there_is():
    comments = f'<div id="comments"><p>First! {WORDS}</p></div>'
    page = f"<main>{PARAGRAPH * 3}</main>{comments}"
    assert "First!" not in text(page) and "First!" in text(f"<div>{page}</div>", comments=True)
    assert "First!" in text(f"<div class=comment><p>First! {WORDS}</p></div>")


def test_a_heading_that_is_a_button_is_text_and_other_controls_are_not():
    assert article("<h3><button>Why?</button></h3><p>Because.</p><button>Send</button>") == "Why?\n\nBecause."


def test_a_page_drawn_by_a_script_gives_the_article_of_its_metadata():
    body = f"{WORDS * 5} \\u00e9 &amp; <b>x</b>"
    page = f'<div id="root"></div><script type="application/ld+json">{{"articleBody": "{body}"}}</script>'
    assert text(page).startswith(WORDS) and text(page).endswith("é &  x")
    assert WORDS * 5 not in text(page + PARAGRAPH * 20)


@pytest.mark.parametrize("page", [
    "", " ", "<!-- -->", "<html></html>", "<script>x</script>", "<frameset><frame></frameset>"])
def test_a_page_without_text_has_none(page):
    assert not Blocks().page_text(page)
