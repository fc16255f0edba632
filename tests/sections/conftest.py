"""What the tests of answers share."""

import pytest
from answers import Student


@pytest.fixture(scope="session")
def student():
    process = Student()
    yield process
    process.close()
