import hashlib

import numpy as np
import pyarrow as pa

from corpus import chance

IDS = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(20_000)], pa.binary(16))


def reference(seed: int, purpose: str, identity: bytes, copy: int = 0) -> int:
    """`hash64` of one id in plain integers: splitmix64's finaliser, three times, keyed."""
    mask = 2**64 - 1

    def mix(x: int) -> int:
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
        return x ^ (x >> 31)

    salt = hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=16).digest()
    k0, k1 = int.from_bytes(salt[:8], "little"), int.from_bytes(salt[8:], "little")
    h = mix(int.from_bytes(identity[:8], "little") ^ k0)
    h = mix((h + mix(int.from_bytes(identity[8:], "little") ^ k1)) & mask)
    return mix(h ^ ((copy * 0x9E3779B97F4A7C15) & mask))


def test_golden_draws():
    """A change here would draw other documents from every store that there is."""
    assert chance.hash64(7, "draw", IDS[:3]).tolist() == [17814110104252857289, 15766187773557783134, 8684410833935686820]
    assert chance.seed32(7, "centroids") == 1896836203
    assert chance.generator(7, "mixture").integers(0, 1000, 4).tolist() == [655, 4, 551, 773]


def test_a_draw_equals_the_formula_in_plain_integers():
    for copy in (0, 1, 5):
        found = chance.hash64(3, "place", IDS[:50], copy)
        assert found.tolist() == [reference(3, "place", i.as_py(), copy) for i in IDS[:50]]


def test_a_document_draws_the_same_whatever_lies_around_it():
    whole = chance.uniform(1, "draw", IDS)
    assert (chance.uniform(1, "draw", IDS.slice(100, 50)) == whole[100:150]).all()
    chunked = pa.chunked_array([IDS[:7], IDS[7:300], IDS[300:]])
    assert (chance.uniform(1, "draw", chunked) == whole).all()
    order = np.random.default_rng(0).permutation(len(IDS))
    assert (chance.uniform(1, "draw", IDS.take(pa.array(order))) == whole[order]).all()
    assert (chance.uniform(1, "draw", chance.id_words(IDS)) == whole).all()


def test_draws_are_uniform():
    draws = chance.uniform(1, "draw", IDS)
    assert draws.min() >= 0 and draws.max() < 1
    counts = np.histogram(draws, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8          # chi-squared with 19 degrees of freedom, p = 0.001
    low_bits = chance.hash64(1, "draw", IDS) & np.uint64(15)
    counts = np.bincount(low_bits.astype(int), minlength=16)
    assert ((counts - 1250) ** 2 / 1250).sum() < 37.7          # 15 degrees of freedom, p = 0.001


def test_seed_purpose_and_copy_give_draws_that_have_nothing_to_do_with_one_another():
    base = chance.uniform(1, "draw", IDS)
    for other in (chance.uniform(2, "draw", IDS), chance.uniform(1, "place", IDS), chance.uniform(1, "draw", IDS, 1)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.03


def test_ids_that_differ_in_one_bit_draw_independently():
    near = pa.array([i.to_bytes(16, "little") for i in range(4096)], pa.binary(16))
    draws = chance.uniform(0, "draw", near)
    assert len(np.unique(draws)) == 4096 and abs(draws.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 0.06


def test_each_copy_of_a_row_may_be_another():
    copies = np.arange(5)
    same = IDS.take(pa.array([0] * 5))
    one_by_one = [int(chance.hash64(1, "place", IDS[:1], copy)[0]) for copy in range(5)]
    assert chance.hash64(1, "place", same, copies).tolist() == one_by_one


def test_the_view_of_ids_is_by_row_and_little_endian():
    column = pa.array([bytes(16), (1).to_bytes(8, "little") + (2).to_bytes(8, "little"), bytes([255] * 16)], pa.binary(16))
    assert chance.id_words(column).tolist() == [[0, 0], [1, 2], [2**64 - 1] * 2]
    assert chance.id_words(column.slice(1, 1)).tolist() == [[1, 2]]
    assert chance.id_words(pa.chunked_array([], pa.binary(16))).shape == (0, 2)
    assert chance.hash64(0, "x", column.slice(0, 0)).shape == (0,)
