"""Our client against answers of other services: the standard's example, vendors' variants, junk."""

import json
from pathlib import Path

import pytest

from qfl.core.errors import KeyExhaustedError, SecurityError, UnknownKeyError

httpx = pytest.importorskip("httpx", reason="needs the extra 'kme'")

from qfl.security.kme.client import KmeClient  # noqa: E402


def recorded(status=200, body=None, kind="application/json", transport=None):
    """A foreign KME that gives one answer, whatever is asked."""

    def answer(request):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(status, content=content, headers={"content-type": kind})

    nowhere = Path("unused.pem")
    return KmeClient(
        "https://kme.example",
        certificate=nowhere,
        key=nowhere,
        authority=nowhere,
        transport=httpx.MockTransport(transport or answer),
    )


EXAMPLE = {
    "keys": [
        {
            "key_ID": "bc490419-7d60-487f-adc1-4ddcc177c139",
            "key": "wHHVxRwDJs3/bXd38GHP3oe4svTuRpZS0yCC7x4Ly+s=",
            "key_ID_extension": {"vendor": 1},
        },
        {
            "key_ID": "0a782fb5-3434-48fe-aa4d-14f41d46cf92",
            "key": "OeGMPxh1+2RpJpNCYixWHFLYRubpOKCw94FcCI7VdJA=",
        },
    ],
    "key_container_extension": {"vendor": "x"},
}


def test_the_client_reads_the_example_of_the_standard():
    """ETSI GS QKD 014 V1.1.1, clause 6.3, with extensions of a vendor."""
    ids = [key["key_ID"] for key in EXAMPLE["keys"]]
    keys = recorded(body=EXAMPLE).dec_keys("sae", ids)
    assert [key.key_id for key in keys] == ids
    assert [key.secret.bits for key in keys] == [256, 256]
    assert len(recorded(body=EXAMPLE).enc_keys("sae", number=2, size=256)) == 2


FIRST, SECOND = (key["key_ID"] for key in EXAMPLE["keys"])
MATERIAL = EXAMPLE["keys"][0]["key"]
CONTAINERS = {
    "nothing optional, printed for people": json.dumps(
        {"keys": [{"key_ID": FIRST, "key": MATERIAL}]}, indent=2
    ),
    "every extension, as objects": {
        "keys": [
            {
                "key_ID": FIRST,
                "key_ID_extension": {"origin": "kme-1"},
                "key": MATERIAL,
                "key_extension": {"qber": 0.021, "links": ["a", "b"]},
            }
        ],
        "key_container_extension": {"trace": 17},
    },
    "every extension, as strings": {
        "keys": [{"key_ID": FIRST, "key_ID_extension": "", "key": MATERIAL, "key_extension": ""}],
        "key_container_extension": "",
    },
    "every extension, null": {
        "keys": [
            {"key_ID": FIRST, "key_ID_extension": None, "key": MATERIAL, "key_extension": None}
        ],
        "key_container_extension": None,
    },
    "capitals in the container": {"Keys": [{"key_ID": FIRST, "key": MATERIAL}]},
    "capitals nowhere": {"keys": [{"key_id": FIRST, "key": MATERIAL}]},
    "an id in capitals": {"keys": [{"key_ID": FIRST.upper(), "key": MATERIAL}]},
    "more than was asked for": {
        "keys": [{"key_ID": SECOND, "key": MATERIAL}, {"key_ID": FIRST, "key": MATERIAL}]
    },
}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_containers_of_other_vendors_are_read(name, kind):
    """Optional fields, extensions and spellings as public implementations have them."""
    body = CONTAINERS[name]
    client = recorded(body=body.encode() if isinstance(body, str) else body, kind=kind)
    [key] = client.dec_keys("sae", [FIRST])
    assert (key.key_id, key.secret.bits) == (FIRST, 256)


REFUSALS = [
    ({"message": "said"}, "application/json"),
    ({"message": "said", "details": [{"number": "not supported"}]}, "application/json"),
    ({"Message": "said"}, "application/json; charset=utf-8"),
    ({"MESSAGE": "said", "status": 400}, "application/json"),
    ({"detail": [{"loc": ["body", "size"], "msg": "said"}]}, "application/json"),
    ({"title": "said", "type": "about:blank"}, "application/problem+json"),
    ({"error": "said"}, "text/plain"),
]


@pytest.mark.parametrize(("body", "kind"), REFUSALS)
@pytest.mark.parametrize("status", [400, 401, 422, 503])
def test_refusals_of_other_vendors_are_quoted(status, body, kind):
    with pytest.raises(SecurityError, match=f"answers {status} to enc_keys: .*said") as caught:
        recorded(status, body, kind).enc_keys("sae")
    assert isinstance(caught.value, KeyExhaustedError) == (status == 503)


def test_a_status_with_an_extension_is_passed_on():
    """The example of the standard: ETSI GS QKD 014 V1.1.1, clause 6.1."""
    status = {
        "source_KME_ID": "AAAABBBBCCCCDDDD",
        "target_KME_ID": "EEEEFFFFGGGGHHHH",
        "master_SAE_ID": "IIIIJJJJKKKKLLLL",
        "slave_SAE_ID": "MMMMNNNNOOOOPPPP",
        "key_size": 352,
        "stored_key_count": 25000,
        "max_key_count": 100000,
        "max_key_per_request": 128,
        "max_key_size": 1024,
        "min_key_size": 64,
        "max_SAE_ID_count": 0,
        "status_extension": {"uptime": 3},
    }
    assert recorded(body=status).status("MMMMNNNNOOOOPPPP") == status


def test_what_is_asked_is_what_the_standard_says():
    seen = []

    def answer(request):
        seen.append((request.method, request.url.raw_path.decode(), request.content))
        return httpx.Response(200, json=EXAMPLE)

    client = recorded(transport=answer)
    client.enc_keys("sae/2", number=2)
    client.enc_keys("sae", number=2, size=256)
    client.dec_keys("sae", [FIRST, SECOND])
    client.status("sae")
    assert [(verb, path) for verb, path, _ in seen] == [
        ("POST", "/api/v1/keys/sae%2F2/enc_keys"),
        ("POST", "/api/v1/keys/sae/enc_keys"),
        ("POST", "/api/v1/keys/sae/dec_keys"),
        ("GET", "/api/v1/keys/sae/status"),
    ]
    assert [json.loads(content or b"null") for _, _, content in seen] == [
        {"number": 2},
        {"number": 2, "size": 256},
        {"key_IDs": [{"key_ID": FIRST}, {"key_ID": SECOND}]},
        None,
    ]


@pytest.mark.parametrize(
    ("status", "method", "error"),
    [
        (400, "dec_keys", UnknownKeyError),
        (404, "dec_keys", UnknownKeyError),
        (400, "enc_keys", SecurityError),
        (401, "enc_keys", SecurityError),
        (503, "enc_keys", KeyExhaustedError),
        (500, "enc_keys", SecurityError),
        (302, "enc_keys", SecurityError),
    ],
)
@pytest.mark.parametrize(
    ("body", "kind"), [({"message": "vendor text"}, "application/json"), (b"<html>", "text/html")]
)
def test_the_client_understands_refusals(status, method, error, body, kind):
    client = recorded(status, body, kind)
    with pytest.raises(error, match=str(status)):
        client.dec_keys("s", ["k"]) if method == "dec_keys" else client.enc_keys("s")


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        [],
        {},
        {"keys": {}},
        {"keys": [3]},
        {"keys": [{"key_ID": "k"}]},
        {"keys": [{"key_ID": "k", "key": "*"}]},
        {"keys": [{"key_ID": "k", "key": ""}]},
        {"keys": [{"key_ID": 7, "key": "AAAA"}]},
        {"keys": [{"key_ID": "", "key": "AAAA"}]},
        {"keys": "AAAA"},
        {"message": "all is well"},
        {"keys": []},
    ],
)
def test_the_client_uses_nothing_of_an_odd_answer(body):
    with pytest.raises(SecurityError):
        recorded(body=body).enc_keys("s")
    with pytest.raises(SecurityError):
        recorded(body=body).dec_keys("s", ["k"])


def test_the_client_wants_what_it_asked_for():
    with pytest.raises(SecurityError, match="asked for"):
        recorded(body=EXAMPLE).enc_keys("s", number=2, size=128)
    with pytest.raises(SecurityError, match="asked for"):
        recorded(body=EXAMPLE).dec_keys("s", ["another"])
