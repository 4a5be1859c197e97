"""The dataset: the same for the same form, valid for the node, popular as Zipf says."""

from collections import Counter
from random import Random

import orjson
import pytest
from harness import NodeUnderTest

from loadtest.dataset import Dataset, DatasetForm, Zipf
from loadtest.loading import NodeRefused, load
from loadtest.own_node import Target

FORM = DatasetForm(seed=7, run="a", prefix="88.118", count=300)


def target_of(node: NodeUnderTest, key: str) -> Target:
    return Target(str(node.client.make_url("")).rstrip("/"), key)


def test_the_same_form_gives_the_same_identifiers_bodies_and_order() -> None:
    first, second = Dataset(FORM), Dataset(FORM)

    assert list(first.loaded()) == list(second.loaded())
    assert first.by_popularity == second.by_popularity


def test_a_dataset_is_the_same_on_every_machine_and_day() -> None:
    dataset = Dataset(FORM)

    assert dataset.product("D", 0).identifier == "88.118.29904/LTa-D0"
    assert dataset.by_popularity[:2] == ("88.118.29901/LTa-D76", "88.118.29904/LTa-D299")
    assert orjson.loads(dataset.product("D", 0).body)["attributes"]["produced_at"] == "2025-12-23"


def test_another_seed_gives_another_order() -> None:
    other = DatasetForm(seed=8, run="a", prefix="88.118", count=300)

    assert Dataset(other).by_popularity != Dataset(FORM).by_popularity
    assert [product.body for product in Dataset(other).loaded()] != [product.body for product in Dataset(FORM).loaded()]


def test_runs_and_series_share_no_identifier() -> None:
    again = Dataset(DatasetForm(seed=7, run="b", prefix="88.118", count=300))
    dataset = Dataset(FORM)
    sets = [
        {product.identifier for product in dataset.loaded()},
        {product.identifier for product in again.loaded()},
        {dataset.product("F0N", number).identifier for number in range(300)},
        {dataset.unknown(number) for number in range(300)},
    ]

    assert [len(each) for each in sets] == [300, 300, 300, 300]
    assert len(set().union(*sets)) == 1200


def test_what_is_popular_is_what_is_loaded() -> None:
    dataset = Dataset(FORM)

    assert sorted(dataset.by_popularity) == sorted(product.identifier for product in dataset.loaded())


def test_the_body_names_the_identifier_and_a_shipped_template() -> None:
    product = Dataset(FORM).product("D", 3)
    document = orjson.loads(product.body)

    assert document["identifier"] == product.identifier
    assert document["template"]["prefix"] == "88.118"


@pytest.mark.parametrize("run", ["", "a/b", "a b", "织", "x" * 17])
def test_a_run_that_does_not_fit_into_an_identifier_is_refused(run: str) -> None:
    with pytest.raises(ValueError, match="is not 1 to 16 ASCII letters and digits"):
        DatasetForm(seed=1, run=run, prefix="88.118", count=1)


async def test_the_node_takes_every_product_and_takes_the_dataset_again(node: NodeUnderTest) -> None:
    dataset = Dataset(FORM)
    target = target_of(node, node.admin_key)

    first = await load(target, dataset)
    second = await load(target, dataset)

    assert (first, second) == (300, 300)
    response = await node.call("GET", f"/v1/identifiers/{dataset.by_popularity[0]}")
    assert (await response.json())["version"] == 1


async def test_a_node_that_refuses_is_told(node: NodeUnderTest) -> None:
    with pytest.raises(NodeRefused, match="401"):
        await load(target_of(node, "idn_wrong"), Dataset(FORM))


async def test_a_node_that_is_not_there_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(NodeRefused, match=f"127.0.0.1:{unused_tcp_port}: ClientConnectorError"):
        await load(Target(f"http://127.0.0.1:{unused_tcp_port}", "idn_x"), Dataset(FORM))


def test_zipf_draws_come_as_often_as_they_should() -> None:
    zipf, rng, draws = Zipf(1000, 1.0), Random(1), 200_000  # noqa: S311  # draws that repeat are wanted
    counts = Counter(zipf.draw(rng) for _ in range(draws))

    # H(1000) = 7.485471: the first of a thousand is 13.36 % of all, the tenth a tenth of that.
    assert counts[0] / draws == pytest.approx(0.13359, rel=0.03)
    assert counts[9] / draws == pytest.approx(0.013359, rel=0.08)
    assert sum(counts[rank] for rank in range(100)) / draws == pytest.approx(0.69300, rel=0.02)
    assert min(counts) == 0
    assert max(counts) <= 999


def test_zipf_shares_add_up() -> None:
    zipf = Zipf(3, 1.0)

    assert [round(zipf.share(rank), 6) for rank in range(3)] == [0.545455, 0.272727, 0.181818]


def test_exponent_zero_is_uniform() -> None:
    zipf = Zipf(4, 0.0)

    assert [zipf.share(rank) for rank in range(4)] == [0.25, 0.25, 0.25, 0.25]


class HighestRandom(Random):
    """Draws the number closest to one."""

    def random(self) -> float:
        return 1 - 2**-53


def test_the_highest_draw_is_the_last_rank() -> None:
    assert Zipf(10, 0.7).draw(HighestRandom()) == 9


def test_an_exponent_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="zipf exponent: -1 is not between 0 and 10"):
        Zipf(10, -1)
