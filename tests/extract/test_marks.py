import pytest

from corpus.extract.marks import AROUND, BESIDE, BLOCK, COMMENTS, CONTENT, INLINE, KINDS, SKIP, UNSEEN, purpose, said


@pytest.mark.parametrize("names, flags", [
    ("site-footer", BESIDE), ("siteFooter", BESIDE), ("page_sidebar", BESIDE | CONTENT),
    ("post-comments", COMMENTS | CONTENT),
    ("commentary", 0), ("research", 0), ("widget", BESIDE), ("elementor-widget-text-editor", CONTENT), ("no-sidebar", 0),
    ("has-sidebar wide", 0), ("hidden", UNSEEN), ("field--label-hidden", 0), ("sr-only", UNSEEN), ("line-numbers", 0),
    ("headerlink", UNSEEN), ("", 0)])
def test_class_and_id_are_read_by_words(names, flags):
    assert said(names) == flags


@pytest.mark.parametrize("tag, attributes, flags", [
    ("nav", {}, AROUND), ("div", {"role": "navigation"}, AROUND), ("div", {"id": "content"}, CONTENT), ("main", {}, CONTENT),
    ("div", {"itemprop": "articleBody"}, CONTENT), ("div", {"style": "color: red; display: none"}, UNSEEN),
    ("div", {"hidden": ""}, UNSEEN), ("div", {"class": "nav", "id": "main"}, BESIDE | CONTENT), ("p", {}, 0)])
def test_an_elements_purpose_is_in_its_tag_role_names_and_style(tag, attributes, flags):
    assert purpose(tag, attributes) == flags


def test_every_tag_has_a_kind():
    assert [KINDS[tag] for tag in ("p", "b", "script", "my-tag", "unheard")] == [BLOCK, INLINE, SKIP, INLINE, BLOCK]
    assert KINDS[len] == SKIP   # lxml's tag of a comment is a function
