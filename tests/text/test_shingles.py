import numpy as np

from corpus.text.shingles import mix

MASK = 2**64 - 1


def by_definition(x):
    x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & MASK
    x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ x >> 33


def test_mix_is_murmurs_finaliser():
    numbers = [0, 1, 2, 2**32, 2**63, MASK]
    assert mix(np.array(numbers, np.uint64)).tolist() == [by_definition(x) for x in numbers]
    assert by_definition(0) == 0 and by_definition(1) == 0xB456BCFC34C2CB2C


def test_one_bit_of_input_changes_half_of_the_output():
    x = np.arange(2000, dtype=np.uint64)
    changed = np.array([np.bitwise_count(mix(x) ^ mix(x ^ np.uint64(1 << bit))).mean() for bit in range(64)])
    assert (np.abs(changed - 32) < 1).all()
