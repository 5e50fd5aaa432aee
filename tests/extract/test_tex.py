import pytest

from corpus.extract.blocks import Blocks

FORMULA = r"e^{i\pi} + 1 = 0"
PROSE = "<p>A paragraph of some length that goes before the formula, so that the page has a text.</p>"


def text(formula):
    return Blocks().page_text(f"<body>{PROSE}<p>Here is {formula} and it is known.</p>{PROSE}").split("\n\n")[1]


@pytest.mark.parametrize("written, wanted", [
    (f'<math alttext="{FORMULA}"><mi>e</mi></math>', f"${FORMULA}$"),
    (f'<math display="block"><semantics><mi>e</mi><annotation encoding="application/x-tex">{FORMULA}</annotation>'
     "</semantics></math>", f"$${FORMULA}$$"),
    (f'<math alttext="{{\\displaystyle {FORMULA}}}"><mi>e</mi></math>', f"${FORMULA}$"),
    ("<math><mi>e</mi><mo>=</mo><mn>2</mn></math>", "e=2"),
    (f'<span class="MathJax_Preview">e</span><span class="MathJax">e</span><script type="math/tex">{FORMULA}</script>',
     f"${FORMULA}$"),
    (f'<script type="math/tex; mode=display">{FORMULA}</script>', f"$${FORMULA}$$"),
    (f'<span class="katex"><span class="katex-mathml"><math><semantics><mi>e</mi><annotation encoding="application/x-tex">'
     f'{FORMULA}</annotation></semantics></math></span><span class="katex-html" aria-hidden="true">e</span></span>',
     f"${FORMULA}$"),
    (f'<span class="mwe-math-element"><span style="display: none;"><math alttext="{FORMULA}"><mi>e</mi></math></span>'
     f'<img src="x.svg" class="mwe-math-fallback-image-inline" alt="{FORMULA}"></span>', f"${FORMULA}$"),
    (f'<img class="tex" alt="{FORMULA}" src="x.png">', f"${FORMULA}$"),
    (f'<span class="math notranslate nohighlight">\\({FORMULA}\\)</span>', f"\\({FORMULA}\\)"),
    (f'<img class="math" alt="\\({FORMULA}\\)" src="x.png">', f"\\({FORMULA}\\)")])
def test_a_formula_is_its_tex_once(written, wanted):
    assert text(written) == f"Here is {wanted} and it is known."


@pytest.mark.parametrize("written", [
    "<script>var math = 1</script>", '<img alt="A ship" src="x.png">', '<img class="photo" alt="A ship" src="x.png">',
    "<math></math>", '<script type="math/tex"></script>'])
def test_what_is_no_formula_gives_nothing(written):
    assert text(written) == "Here is and it is known."


def test_a_formula_that_stands_twice_in_the_text_is_there_twice():
    math = f'<math alttext="{FORMULA}"></math>'
    assert text(f"{math} or {math}") == f"Here is ${FORMULA}$ or ${FORMULA}$ and it is known."
