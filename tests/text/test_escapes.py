from corpus.text.escapes import normal_escapes


def test_what_needs_no_escape_loses_it_and_the_rest_is_upper_case():
    assert normal_escapes("/%7euser/%3f%2F%41b%c3%a9") == "/~user/%3F%2FAb%C3%A9"
    assert normal_escapes("100%, %4, %zz") == "100%, %4, %zz"
