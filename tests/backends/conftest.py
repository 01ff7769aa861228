import pytest
from loopback_aws import Amazon, environment
from machine_fixtures import cloud, connected

from qfl.backends.amazon import connection

__all__ = ["cloud", "connected"]


@pytest.fixture(scope="module")
def amazon_service(tmp_path_factory):
    home = tmp_path_factory.mktemp("aws")
    with Amazon() as cloud, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(cloud.url, home).items():
            patch.setenv(name, value)
        yield cloud


@pytest.fixture
def amazon(amazon_service):
    amazon_service.mood, amazon_service.refuse, amazon_service.status = "COMPLETED", None, "ONLINE"
    amazon_service.tasks.clear()
    connection.cache_clear()
    amazon_service.log.clear()
    return amazon_service
