"""What a family's fingerprint is taken of: a stored program of an edited family is never used."""

from pathlib import Path

from paceline.net import dense
from paceline.net.base import source_files
from paceline.net.dense.family import Dense

FOLDER = Path(dense.__file__).parent


class Narrow(Dense):
    """A user's variant of the dense net, in a file of its own."""

    name = "narrow"


def test_a_family_in_a_folder_is_all_its_modules() -> None:
    assert source_files(Dense) == sorted(FOLDER.rglob("*.py"))


def test_a_family_below_another_one_depends_on_both() -> None:
    assert source_files(Narrow) == [Path(__file__), *sorted(FOLDER.rglob("*.py"))]
    assert Narrow().fingerprint != Dense().fingerprint
