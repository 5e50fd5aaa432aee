import time

import pytest

from corpus.extract.limits import too_much


def test_an_ordinary_page_is_within_limits():
    page = "<html><body>" + "<div class='a'><p>text <b>bold</b><br><img src=x></div>" * 2000 + "</body></html>"
    assert too_much(page, 500_000, 512) is None


@pytest.mark.parametrize("closed", ["", "</div>" * 600])
def test_depth_is_counted_from_tags_that_stay_open(closed):
    assert too_much("<div>" * 512 + closed, 10_000, 512) is None
    assert too_much("<div>" * 513 + closed, 10_000, 512) == "too_deep"


@pytest.mark.parametrize("hidden", [
    "<div></span>", "<div><!-- </div> -->", "<div title='</div>'>", '<div title="></div>">', '<div ="></div>"><div>',
    "<div><!--></div>--><div>", "<div><script>'</div>'</script>", "<DIV><textarea></DIV></textarea>", "<div a = '></div>'>"])
def test_end_tags_that_end_nothing_do_not_hide_depth(hidden):
    assert too_much(hidden * 1000, 500_000, 512) == "too_deep"


@pytest.mark.parametrize("flat", [
    "<p>text", "<li>item", "<td>cell", "<br>", "<a name=x>", "<script>'<div>'</script>", "<!-- <div> -->",
    "<a title='<div>'>"])
def test_tags_that_do_not_nest_add_no_depth(flat):
    assert too_much("<div>" + flat * 3000, 500_000, 512) is None


def test_formatting_left_open_counts_once_for_every_block_it_is_opened_in_again():
    blocks = "".join(f"<p><b id={i}></p>" for i in range(500))   # the parser opens 1 + 2 + ... + 499 elements again
    assert too_much(blocks, 125_000, 512) == "too_many_nodes"
    assert too_much(blocks, 130_000, 512) is None


def test_many_elements_attributes_or_options_are_too_many_nodes():
    assert too_much("<p>x" * 1001, 1000, 512) == "too_many_nodes"
    assert too_much("<p " + " ".join(f"a{i}" for i in range(20_000)) + ">", 500_000, 512) == "too_many_nodes"
    assert too_much("<select>" + "<option>x" * 20_000, 500_000, 512) == "too_many_nodes"
    assert too_much("<img src='data:" + "/a=b" * 20_000 + "'>", 500_000, 512) is None


@pytest.mark.parametrize("hostile", [
    "<", "<a ", "<a b='", '<a b="', "<!--", "<script>", "<a =", "</", "<a/", "<div ='", "<a b=c",
    "<!-", '="<a ', "<b ", "<a a=\"b\" "])
def test_the_scan_is_linear_on_anything(hostile):
    started = time.perf_counter()
    too_much(hostile * (2_000_000 // len(hostile)), 500_000, 512)
    assert time.perf_counter() - started < 5
