from __future__ import annotations
from pathlib import Path
import pytest
from backup_repository.storage.contract import StorageContract
from backup_repository.storage.drivers.filesystem import FilesystemStorage

class TestF(StorageContract):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> FilesystemStorage:
        (tmp_path/"b").mkdir()
        return FilesystemStorage(tmp_path/"b", tmp_path/"s")
