"""What the errors of obstore mean for a storage; their texts name addresses and stay out of ours."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from backup_repository.errors import BlobMissing, StorageRefused, StorageUnavailable

_UNKNOWN_PLACE = ("NoSuchBucket", "ContainerNotFound")
"""What stores call a bucket or container that does not exist, in place of the object."""
_STATUS = re.compile(r"status code: (\d{3})")
"""What obstore says where it has no errors of their own: of refused listings, of unknown conditions."""
_NO_PLACE = "The object store has no such bucket or container"
_REFUSED = "The object store refuses access: check the credentials"


@contextlib.contextmanager
def object_errors(*, placed: bool = True) -> Iterator[None]:
    """Turn what obstore raises into the storage's own errors.

    Args:
        placed: what is not found is a blob; otherwise it is the bucket, for nothing else was asked for.

    Raises:
        StorageError: in place of any error of obstore.
    """
    try:
        yield
    except FileNotFoundError as error:
        if placed and not any(name in str(error) for name in _UNKNOWN_PLACE):
            raise BlobMissing from error
        raise StorageUnavailable(_NO_PLACE) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StorageRefused(_REFUSED) from error
    except (BaseError, OSError) as error:
        match status_of(error):
            case 401 | 403:
                raise StorageRefused(_REFUSED) from error
            case 404:
                raise StorageUnavailable(_NO_PLACE) from error
        raise StorageUnavailable("The object store is unavailable") from error


def status_of(error: Exception) -> int | None:
    """Return the HTTP status that an error of obstore tells of, if it does."""
    found = _STATUS.search(str(error))
    return int(found[1]) if found else None
