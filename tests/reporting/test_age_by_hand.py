"""README.md of the vault, followed by a court's expert: each script is taken from there and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import shamir_mnemonic
from django.apps import apps

from reporting.vault import keys, sealer, store
from reporting.vault.fields import seal_record

README = Path("reporting/vault/README.md").read_text()


def _block(language: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def test_two_shares_from_paper_become_the_office_key() -> None:
    seed = os.urandom(32)
    (shares,) = shamir_mnemonic.generate_mnemonics(1, [(2, 3)], seed)
    typed = f"{shares[2]}\n\n{shares[0]}  \n"
    done = subprocess.run(
        [sys.executable, "-c", _block("python")],
        input=typed,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == keys.secret_from_seed(seed, hybrid=True)


@pytest.mark.needs("age")
def test_an_object_opens_with_age_alone(tmp_path: Path) -> None:
    disk = store.DiskStore(tmp_path / "disk", floor=0)
    secret, data = keys.new_secret(), os.urandom(sealer.SEGMENT + 1234)
    stream = sealer.Sealer(disk.stage("object-1"), keys.public_key_of(secret))
    stream.write(data)
    stream.finish()
    key, script, out = tmp_path / "key", tmp_path / "open.sh", tmp_path / "out"
    key.write_text(secret)
    script.write_text(_block("sh"))
    done = subprocess.run(
        ["sh", str(script), str(disk._path("object-1")), str(key), str(out)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == data


@pytest.mark.needs("age")
def test_a_small_thing_opens_through_the_pipe_of_the_page(tmp_path: Path) -> None:
    pipe = "base64 -d | tail -c +2 |\n        age --decrypt --identity report.key"
    assert pipe in README
    secret = keys.new_secret()
    (tmp_path / "report.key").write_text(secret + "\n")
    sealed = seal_record({"text": "words"}, keys.public_key_of(secret))
    encoded = subprocess.run(
        ["base64", "--wrap=0"], input=sealed, capture_output=True, check=True
    ).stdout
    done = subprocess.run(
        ["sh", "-c", pipe], input=encoded, capture_output=True, check=True, cwd=tmp_path
    )
    assert done.stdout == b'{"text":"words"}'


def test_every_column_that_the_page_names_is_there() -> None:
    columns = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
    }
    named = set(re.findall(r"`((?:reporting|custody|cases)_\w+\.\w+)`", README))
    assert len(named) >= 6
    assert named <= columns
