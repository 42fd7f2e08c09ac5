"""A record is replaced whole, or stays."""

import pytest

from amrpkg.common.files import whole_file, whole_folder


def test_a_file_appears_whole_in_folders_made_for_it(tmp_path):
    path = tmp_path / "results" / "grid.csv"
    with whole_file(path) as file:
        file.write("a,b\n")
        file.flush()
        assert not path.exists()
    assert path.read_bytes() == b"a,b\n"
    assert [item.name for item in path.parent.iterdir()] == ["grid.csv"]


def test_after_an_error_the_earlier_file_stays(tmp_path):
    path = tmp_path / "grid.csv"
    path.write_text("the record")
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write("half of a")
        raise KeyboardInterrupt
    assert path.read_text() == "the record"
    with whole_file(path) as file:
        file.write("new")
    assert path.read_text() == "new"


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "folder"
    with pytest.raises(KeyboardInterrupt), whole_folder(path) as folder:
        (folder / "half").write_text("of a")
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []
    with whole_folder(path) as folder:
        (folder / "all").write_text("of it")
        assert not path.exists()
    assert (path / "all").read_text() == "of it" and list(path.parent.iterdir()) == [path]
    with pytest.raises(ValueError, match="folder' is there; allowed: a new folder"):
        whole_folder(path).__enter__()
    assert (path / "all").read_text() == "of it"
