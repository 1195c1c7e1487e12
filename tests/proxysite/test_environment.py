from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from proxysite import environment
from proxysite.environment import BASE_DIR, VARIABLES, BadSetting, made_directory
from routing.secrets import Secret

NOWHERE = Path("/nonexistent/.env")


def read(env_file=NOWHERE, **source):
    return environment.read(source, env_file)


@pytest.fixture
def env_file(tmp_path):
    def write(text):
        path = tmp_path / ".env"
        path.write_text(text)
        return path

    return write


FERNET_KEY = Fernet.generate_key().decode()

# name: (default, a good value, what it is read as, a bad value or None where any text is fine)
EXPECTED = {
    "DATA_DIR": (BASE_DIR / "data", "/srv/proxy", Path("/srv/proxy"), None),
    "HOST": ("127.0.0.1", "0.0.0.0", "0.0.0.0", None),
    "PORT": (8001, "9000", 9000, "65536"),
    "BASE_PATH": ("", "llm/", "/llm", "/a b"),
    "PUBLIC_URL": ("", "https://proxy.example/", "https://proxy.example", "proxy.example"),
    "DEMO_UPSTREAM": (True, "false", False, "perhaps"),
    "ENABLE_STREAMING_TOOL_PARSER": (True, "false", False, "perhaps"),
    "LOCAL_API_KEY": (
        [],
        "first-key, second-key",
        [Secret("first-key"), Secret("second-key")],
        "first-key,short",
    ),
    "SECRET_KEY": ("", "s3cret", "s3cret", None),
    "ENCRYPTION_KEY": ("", FERNET_KEY, FERNET_KEY, "too-short"),
    "DEBUG": (False, "True", True, "2"),
    "ALLOWED_HOSTS": (["*"], "a.example, b.example,", ["a.example", "b.example"], None),
    "CSRF_TRUSTED_ORIGINS": ([], "https://a.example", ["https://a.example"], "a.example"),
    "LOG_LEVEL": ("INFO", "debug", "DEBUG", "LOUD"),
    "LOG_FILE": ("", "proxy.log", "proxy.log", None),
    "DEBUG_LOGS": (False, "yes", True, "maybe"),
    "OVERRIDE_LOGS": (False, "1", True, "-"),
    "MAX_BODY_MIB": (64, "128", 128, "0"),
    "MAX_ANSWER_MIB": (256, "16", 16, "0"),
    "CLIENT_TIMEOUT_SECONDS": (30.0, "0", 0.0, "-1"),
    "MODELS_CACHE_SECONDS": (30.0, "0.5", 0.5, "nan"),
    "KEEPALIVE_SECONDS": (10.0, "0", 0.0, "-1"),
    "STOP_SECONDS": (8, "300", 300, "-1"),
    "RECORDS": (True, "off", False, "some"),
    "RECORDS_QUEUE": (20000, "10", 10, "0"),
    "RECORDS_KEEP": (100000, "10", 10, "1.5"),
    "RECORDS_KEEP_DAYS": (0.0, "1.5", 1.5, "-1"),
    "FAILURES_KEEP": (10000, "10", 10, "0"),
    "FAILURES_KEEP_DAYS": (0.0, "30", 30.0, "-1"),
    "CAPTURE_BODIES": ("failed", "All", "all", "most"),
    "CAPTURE_KIB": (256, "1", 1, "70000"),
}

by_name = pytest.mark.parametrize("name", [variable.name for variable in VARIABLES])
strict = pytest.mark.parametrize("name", [name for name, (_, _, _, bad) in EXPECTED.items() if bad])


def test_every_variable_has_its_test():
    assert set(EXPECTED) == {variable.name for variable in VARIABLES}


@by_name
def test_a_variable_that_is_not_set_has_its_default(name):
    values = read()
    assert values[name] == EXPECTED[name][0]
    assert type(values[name]) is type(EXPECTED[name][0])
    assert values.given == frozenset()


@by_name
@pytest.mark.parametrize("blank", ["", "  "])
def test_a_blank_variable_counts_as_not_set(name, blank):
    values = read(**{name: blank})
    assert values[name] == EXPECTED[name][0]
    assert name not in values.given


@by_name
def test_a_variable_that_is_set_is_read_in_its_type(name):
    _, text, value, _ = EXPECTED[name]
    values = read(**{name: f" {text} "})
    assert values[name] == value
    assert type(values[name]) in (type(value), type(Path()))
    assert values.given == {name}


@strict
def test_a_value_that_makes_no_sense_is_refused_with_a_sentence_that_names_it(name):
    with pytest.raises(BadSetting) as caught:
        read(**{name: EXPECTED[name][3]})
    assert str(caught.value).startswith(f"{name} must be ")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eight", 'PORT must be a whole number, got "eight".'),
        ("PORT", "-1", 'PORT must be at least 0, got "-1".'),
        ("PORT", "65536", 'PORT must be at most 65535, got "65536".'),
        ("MODELS_CACHE_SECONDS", "soon", 'MODELS_CACHE_SECONDS must be a number, got "soon".'),
        ("MODELS_CACHE_SECONDS", "inf", 'MODELS_CACHE_SECONDS must be a finite number, got "inf".'),
        ("RECORDS", "x", 'RECORDS must be true or false, got "x".'),
        ("LOG_LEVEL", "x", 'LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, got "x".'),
        ("BASE_PATH", "/a?b", 'BASE_PATH must be a path like /llm, got "/a?b".'),
        (
            "CSRF_TRUSTED_ORIGINS",
            "https://a/b",
            'CSRF_TRUSTED_ORIGINS must be origins like https://proxy.example, separated by commas, got "https://a/b".',
        ),
    ],
)
def test_the_sentence_says_what_would_make_sense(name, value, sentence):
    with pytest.raises(BadSetting) as caught:
        read(**{name: value})
    assert str(caught.value) == sentence


def test_a_secret_that_makes_no_sense_is_not_shown():
    with pytest.raises(BadSetting) as caught:
        read(ENCRYPTION_KEY="planted-secret")
    assert "planted-secret" not in str(caught.value)
    assert 'got "…"' in str(caught.value)


def test_the_repr_of_the_values_shows_no_secret():
    assert "planted-secret" not in repr(read(SECRET_KEY="planted-secret"))


@pytest.mark.parametrize(("typed", "prefix"), [("/", ""), ("llm", "/llm"), ("/llm/", "/llm"), ("//a/b//", "/a/b")])
def test_a_base_path_gets_the_slash_it_needs(typed, prefix):
    assert read(BASE_PATH=typed)["BASE_PATH"] == prefix


@pytest.mark.parametrize(
    ("typed", "path"), [("state", BASE_DIR / "state"), ("/srv/x", Path("/srv/x")), ("~/x", Path.home() / "x")]
)
def test_a_relative_path_lies_in_the_project(typed, path):
    assert read(DATA_DIR=typed)["DATA_DIR"] == path


# .env


def test_the_env_file_fills_in_what_the_process_does_not_say(env_file):
    values = read(env_file("PORT=9000\nHOST=::1\n"), HOST="0.0.0.0")
    assert (values["PORT"], values["HOST"]) == (9000, "0.0.0.0")
    assert values.given == {"PORT", "HOST"}


def test_the_env_file_reaches_the_environment_for_references_to_it(env_file):
    source = {"KEY_A": "from the process"}
    environment.read(source, env_file("KEY_A=from the file\nKEY_B=from the file"))
    assert source == {"KEY_A": "from the process", "KEY_B": "from the file"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=a", "a"),
        ("  X=a  ", "a"),
        ("export X=a", "a"),
        ("X='a b'", "a b"),
        ('X="a b"', "a b"),
        ("X=a # why", "a"),
        ("X='a' # why", "a"),
        ('X="a # b" # why', "a # b"),
        ("X=a#b", "a#b"),
        ("X=a=b", "a=b"),
        ("X= # why", ""),
        ("X=", ""),
        ("X=$HOME", "$HOME"),
    ],
)
def test_a_line_of_the_env_file_is_a_name_and_a_value(env_file, line, value):
    source = {}
    environment.read(source, env_file(f"# comment\n\n{line}\n"))
    assert source == {"X": value}


@pytest.mark.parametrize("line", ["planted-secret", "X = planted-secret", "X: planted-secret"])
def test_a_line_that_is_no_assignment_is_refused_by_its_number_and_not_shown(env_file, line):
    path = env_file(f"PORT=1\n{line}")
    with pytest.raises(BadSetting) as caught:
        read(path)
    assert str(caught.value) == f"{path}, line 2, must be NAME=value."


def test_a_bad_value_in_the_env_file_names_its_variable(env_file):
    with pytest.raises(BadSetting, match="PORT must be a whole number"):
        read(env_file("PORT=soon"))


# The data directory


def test_the_data_directory_is_made(tmp_path):
    assert made_directory(tmp_path / "a" / "b").is_dir()
    assert made_directory(tmp_path / "a" / "b").is_dir()


def test_a_data_directory_that_cannot_be_made_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadSetting, match="DATA_DIR must be a directory that can be written"):
        made_directory(tmp_path / "file")
