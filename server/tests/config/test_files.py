"""Configuration files: `NAME=value` lines and TOML (contract B 1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_repository.config.files import parse_lines, parse_toml
from backup_repository.errors import ConfigurationError


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("  A = x y  ", "x y"),
        ("A=", ""),
        ("A= # nothing", ""),
        ("A=#x", "#x"),
        ("A=x#y", "x#y"),
        ("A=x # y", "x"),
        ("A=x\t#y # z", "x"),
        ("A=x=y", "x=y"),
        ("A=a\"b'c", "a\"b'c"),
        ("A='x # \"y\" $HOME `id` \\n'", 'x # "y" $HOME `id` \\n'),
        ("A='x' # y", "x"),
        ('A="x # y"', "x # y"),
        ('A=" x "   # y', " x "),
        ('A="a \\"b\\" \\\\ \\$c \\` \\n"', 'a "b" \\ $c ` \\n'),
        ('A=""', ""),
        ("A=$(id) ${B} `id`", "$(id) ${B} `id`"),
        ("A=ż", "ż"),
    ],
)
def test_a_line_gives_a_name_its_value(line: str, value: str) -> None:
    assert parse_lines(line, ".env") == {"A": value}


def test_comments_and_empty_lines_mean_nothing_and_the_last_of_two_counts() -> None:
    assert parse_lines("# A=1\r\n\r\n   # B=2\n\t\nC=3\r\nD=4\nC=5", ".env") == {"C": "5", "D": "4"}


@pytest.mark.parametrize(
    "line",
    ["A", "export A=s3cret", "=s3cret", "1A=s3cret", "s3cret", "A B=s3cret", "A='s3cret", 'A="s3cret', "A='s3'cret", 'A="s3cret\\"', "A='s3cret'#x"],
)  # fmt: skip
def test_another_line_is_refused_by_its_number_and_not_repeated(line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_lines(f"# first\n{line}\n", ".env")
    assert caught.value.variable == ".env"
    assert "line 2 " in caught.value.problem
    assert "NAME=value" in caught.value.problem
    assert "s3cret" not in str(caught.value)


_LINE_TEXT = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]))


@given(_LINE_TEXT)
def test_every_value_of_one_line_can_be_written_in_double_quotes(value: str) -> None:
    quoted = value
    for special in '\\"$`':
        quoted = quoted.replace(special, f"\\{special}")
    assert parse_lines(f'A="{quoted}" # "x"', ".env") == {"A": value}


@given(_LINE_TEXT.filter(lambda text: "'" not in text))
def test_single_quotes_are_literal(value: str) -> None:
    assert parse_lines(f"A='{value}'", ".env") == {"A": value}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        values = parse_lines(text, ".env")
    except ConfigurationError:
        return
    assert all(name.isascii() and "\n" not in value for name, value in values.items())


def test_nested_tables_are_joined_and_keys_may_be_in_any_case() -> None:
    document = """
        base_URL = "https://example.org"
        trusted_hosts = ["a", "b"]
        [backup]
        max_versions = 7
        [backup.one_version]
        Max_Size = "1GB"
        [read]
        only = true
        [fs.local]
        directory = "x"
        [empty]
    """
    assert parse_toml(document, "x.toml", frozenset({"TRUSTED_HOSTS"})) == {
        "BASE_URL": "https://example.org",
        "TRUSTED_HOSTS": "a,b",
        "BACKUP_MAX_VERSIONS": "7",
        "BACKUP_ONE_VERSION_MAX_SIZE": "1GB",
        "READ_ONLY": "true",
        "FS_LOCAL_DIRECTORY": "x",
    }


@pytest.mark.parametrize("value", ["2020-01-01", '["a"]', "[1]", '[["a"]]', "[{a = 1}]"])
def test_a_toml_value_that_no_setting_has_is_marked(value: str) -> None:
    assert parse_toml(f"base_url = {value}", "x.toml", frozenset({"OTHER"})) == {"BASE_URL": None}


@pytest.mark.parametrize(
    "document", ["jwt_passphrase = 's3cret", 'a = "s3cret\\q"', "a = s3cret", "s3cret", "a=1\na=1"]
)
def test_broken_toml_is_refused_by_its_place_and_not_repeated(document: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_toml(document, "x.toml", frozenset())
    assert caught.value.variable == "x.toml"
    assert "is not valid TOML at line " in caught.value.problem or "end of document" in caught.value.problem
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("document", ['base_url = "a"\nBASE_URL = "b"', 'base_url = "a"\n[base]\nurl = "b"'])
def test_two_keys_for_one_variable_are_refused(document: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_toml(document, "x.toml", frozenset())
    assert caught.value.variable == "BASE_URL"
