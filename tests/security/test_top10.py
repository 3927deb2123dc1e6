"""OWASP API Security Top 10 (2023): which tests show each of the ten, and those that stand nowhere else.

:data:`RISKS` names them; a test that is renamed or taken away is missed here.
"""

from __future__ import annotations

import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pytest

from .asking import addresses, ask
from .people import API, People, opened, prop

TESTS = Path(__file__).parents[1]
SECRET = "a long way to Visby"

RISKS = {
    "API1": (
        "Broken Object Level Authorization",
        "security/test_objects.py::test_nobody_reads_or_changes_what_is_not_theirs",
        "security/test_objects.py::test_an_identifier_of_one_tenant_means_nothing_in_another",
        "security/test_objects.py::test_batches_queries_and_maps_reach_no_further_than_single_requests",
        "security/test_objects.py::test_a_source_changes_what_it_brought_and_nothing_that_another_did",
        "security/test_objects.py::test_a_map_of_entities_is_its_maker_s_alone",
        "security/test_objects.py::test_a_context_of_one_tenant_is_nobody_else_s",
        "security/test_objects.py::test_nobody_ends_another_s_token_session_or_passkey",
        "security/test_objects.py::test_a_resident_sees_and_asks_about_their_own_alone",
        "security/test_objects.py::test_who_may_not_read_it_cannot_tell_it_from_what_is_not_there",
        "security/test_objects.py::test_a_snapshot_shows_no_more_than_its_reader_may_see",
    ),
    "API2": (
        "Broken Authentication",
        "security/test_top10.py::test_guessing_is_slowed_and_learns_nothing",
        "security/test_functions.py::test_a_token_that_proves_nothing_is_told_so_at_every_address",
        "security/test_forged.py::test_no_other_session_token_or_link_opens_anything",
        "security/test_forged.py::test_no_claims_of_one_s_own_are_taken",
        "security/test_secrets.py::test_a_token_in_an_address_is_not_taken",
        "trust/identity/test_desk.py::test_guessing_an_account_makes_it_wait_longer_and_longer",
        "trust/identity/test_desk.py::test_sessions_end_by_idleness_by_age_and_from_afar",
    ),
    "API3": (
        "Broken Object Property Level Authorization",
        "security/test_properties.py::test_a_hidden_attribute_is_in_no_form_of_an_answer",
        "security/test_properties.py::test_a_hidden_attribute_is_found_by_no_question_in_a_body",
        "security/test_properties.py::test_a_hidden_attribute_is_on_no_page_and_in_no_file",
        "security/test_properties.py::test_what_proves_who_somebody_is_is_in_no_answer",
        "security/test_properties.py::test_a_form_gives_nobody_more_than_it_asks_for",
        "security/test_properties.py::test_a_resident_s_request_is_not_decided_by_who_makes_it",
        "security/test_properties.py::test_a_record_of_a_register_does_not_say_what_the_node_says_of_it",
        "security/test_properties.py::test_what_the_node_keeps_of_a_record_of_the_api_is_set_by_nobody",
        "security/test_properties.py::test_a_change_of_a_record_changes_neither_its_kind_nor_whose_it_is",
    ),
    "API4": (
        "Unrestricted Resource Consumption",
        "security/test_top10.py::test_no_request_asks_for_more_than_there_is_a_limit_for",
        "security/test_input.py::test_a_pattern_cannot_hold_the_node_up",
        "security/test_input.py::test_a_query_cannot_nest_without_end",
        "security/test_input.py::test_a_feed_that_unpacks_to_too_much_is_refused_by_its_list",
        "security/test_functions.py::test_a_stranger_s_body_is_not_even_read",
        "web/test_limits.py::test_an_address_and_a_token_are_limited_each_for_itself",
        "kernel/test_egress.py::test_an_endless_body_is_cut",
    ),
    "API5": (
        "Broken Function Level Authorization",
        "security/test_functions.py::test_each_function_is_let_through_for_those_of_the_table_and_for_nobody_else",
        "security/test_functions.py::test_the_same_for_a_tenant_that_nobody_published",
        "security/test_functions.py::test_another_verb_by_a_header_or_a_parameter_is_none",
        "architecture/test_functions.py::test_every_route_has_a_row_in_the_table_of_functions",
    ),
    "API6": (
        "Unrestricted Access to Sensitive Business Flows",
        "security/test_top10.py::test_what_waits_for_a_person_cannot_be_heaped_up",
        "security/test_functions.py::test_a_cookie_changes_nothing_without_the_page_that_it_belongs_to",
        "trust/identity/test_desk.py::test_guessing_many_names_from_one_address_makes_it_wait",
        "trust/anonymise/test_budget.py::test_many_who_ask_at_once_never_get_more",
    ),
    "API7": (
        "Server Side Request Forgery",
        "security/test_top10.py::test_no_address_that_somebody_gives_leads_inside",
        "security/test_way_out.py::test_no_way_of_writing_it_leads_inside",
        "security/test_way_out.py::test_a_name_service_that_changes_its_mind_is_not_followed",
        "security/test_egress_property.py::test_no_connection_is_ever_made_to_what_is_not_public",
        "kernel/test_egress.py::test_a_redirect_inside_is_refused",
    ),
    "API8": (
        "Security Misconfiguration",
        "security/test_headers.py::test_every_answer_has_what_keeps_browsers_safe",
        "security/test_headers.py::test_other_sites_may_read_only_what_is_published_and_never_with_credentials",
        "security/test_headers.py::test_no_answer_says_what_software_serves_it",
        "security/test_wire.py::test_what_is_no_http_is_refused_as_carefully_as_anything_else",
        "security/test_input.py::test_only_what_is_meant_to_be_served_is",
        "security/test_secrets.py::test_a_new_node_has_no_default_token",
    ),
    "API9": (
        "Improper Inventory Management",
        "security/test_top10.py::test_every_address_for_programs_is_in_the_published_description",
        "architecture/test_functions.py::test_every_route_has_a_row_in_the_table_of_functions",
        "docs/test_docs.py::test_the_reference_is_what_the_code_says",
    ),
    "API10": (
        "Unsafe Consumption of APIs",
        "security/test_top10.py::test_what_another_broker_answers_is_shown_to_nobody_who_may_not_see_it",
        "web/api/test_hostile_sources.py::test_reads_are_answered_by_the_others",
        "kernel/test_egress.py::test_a_compressed_answer_is_not_unpacked",
        "kernel/test_egress.py::test_a_redirect_is_followed_and_leaves_secrets_behind",
        "trust/identity/test_openid.py::test_information_about_somebody_else_is_not_believed",
    ),
}
"""The risk; its name, and the tests that fail when the node is open to it."""


def test_each_of_the_ten_has_tests_that_exist() -> None:
    assert list(RISKS) == [f"API{number}" for number in range(1, 11)]
    gone = []
    for risk, (_, *tests) in RISKS.items():
        assert tests, risk
        for test in tests:
            path, _, name = test.partition("::")
            file = TESTS / path
            if not file.is_file() or not re.search(
                rf"^(async )?def {name}\(", file.read_text(), re.M
            ):
                gone.append(test)
    assert gone == []


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with opened(tmp_path_factory.mktemp("ten"), snapshot_limit=3) as made:
        made.node.trust.desk.choose_password("paul", SECRET)
        yield made


def test_guessing_is_slowed_and_learns_nothing(people: People) -> None:
    """API2: the same answer whether the account, the password or the code is wrong; then nobody is let in for a while."""
    browser = people.client()
    form = {"Origin": "http://127.0.0.1:1356", "Sec-Fetch-Site": "same-origin"}
    answers = set()
    for name in ("paul", "nobody-of-that-name", "rosa"):
        reply = browser.post("/login", data={"name": name, "password": "guess"}, headers=form)
        assert reply.status_code == 401
        answers.add(reply.text.replace(f'value="{name}"', ""))
    assert len(answers) == 1
    for _ in range(8):
        data = {"name": "paul", "password": "guess"}
        assert browser.post("/login", data=data, headers=form).status_code in (401, 429)
    right = browser.post("/login", data={"name": "paul", "password": SECRET}, headers=form)
    assert right.status_code in (401, 429)
    assert "set-cookie" not in right.headers


def test_no_request_asks_for_more_than_there_is_a_limit_for(people: People) -> None:
    """API4: pages, bodies, batches, depth, snapshots."""
    operator = people["operator"]
    most = people.node.settings.page_limit_max
    for path in ("/entities?type=Car", "/subscriptions?", "/csourceRegistrations?type=Car"):
        assert operator.get(f"{API}{path}&limit={most + 1}").status_code == 400, path
    large = {"id": "urn:x:1", "type": "Car", "note": prop("x" * people.node.settings.body_limit)}
    assert operator.post(f"{API}/entities", json=large).status_code == 413
    deep: object = 1
    for _ in range(500):
        deep = [deep]
    nested = operator.post(f"{API}/entities", json={**large, "note": prop(deep)})
    assert nested.status_code == 413
    many = [
        {"id": f"urn:x:{n}", "type": "Car"} for n in range(people.node.settings.batch_limit + 1)
    ]
    assert operator.post(f"{API}/entityOperations/create", json=many).status_code in (400, 413)
    cars = {"type": "Query", "entities": [{"type": "Car"}]}
    frozen = {"type": "Snapshot", "snapshotQueries": [cars]}
    made = [operator.post(f"{API}/snapshots", json=frozen).status_code for _ in range(4)]
    assert made == [201, 201, 201, 403]
    assert operator.delete(f"{API}/snapshots?q=snapshotPriority").status_code in (204, 400)


def test_what_waits_for_a_person_cannot_be_heaped_up(people: People) -> None:
    """API6: a resident's requests, which staff must read, are so many and no more."""
    meter = {"id": "urn:ngsi-ld:SmartMeter:r", "type": "SmartMeter"}
    assert people["operator"].post(f"{API}/entities", json=meter).status_code == 201
    people.link("rosa", meter["id"])
    asked = {"entity": meter["id"], "want": "correct"}
    seen = [
        people["rosa"].post("/hansa/v1/me/requests", json={**asked, "words": f"{n}"}).status_code
        for n in range(60)
    ]
    assert seen[0] == 201
    assert seen[-1] == 409
    assert len(people.node.trust.residents.wishes.of("rosa")) < 60


@pytest.fixture
def inside() -> Iterator[tuple[str, list[object]]]:
    """The address of a server on this machine, and those who came to it."""
    came: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        ending = threading.Event()

        def wait() -> None:
            while not ending.is_set():
                with suppress(TimeoutError):
                    came.append(listening.accept())

        thread = threading.Thread(target=wait)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", came
        ending.set()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"])
def test_no_address_that_somebody_gives_leads_inside(
    people: People, inside: tuple[str, list[object]], host: str
) -> None:
    """API7: every field of every request that holds an address which the node will ask."""
    url = f"http://{host}:{inside[0].rpartition(':')[2]}/"
    operator, cars = people["operator"], [{"type": "Car"}]
    told, watched = ({"notification": {"endpoint": {"uri": url + each}}} for each in ("a", "b"))
    source = {"information": [{"entities": cars}], "endpoint": url}
    made = []
    for path, body in (
        ("/subscriptions", {"type": "Subscription", "entities": cars, **told}),
        ("/entities", {"id": f"urn:x:{uuid.uuid4()}", "type": "Car", "speed": prop(1)}),
        ("/csourceSubscriptions", {"type": "Subscription", "entities": cars, **watched}),
        ("/csourceRegistrations", {"type": "ContextSourceRegistration", **source}),
        (
            "/snapshots",
            {
                "type": "Snapshot",
                "snapshotQueries": [{"type": "Query", "entities": cars}],
                "endpoint": {"uri": url},
            },
        ),
        ("/jsonldContexts", {"@context": [url]}),
        ("/entities", {"id": "urn:x:9", "type": "Car", "@context": url}),
    ):
        kind = "application/ld+json" if "@context" in body else "application/json"
        reply = operator.post(
            API + path, content=orjson.dumps(body), headers={"Content-Type": kind}
        )
        allowed = (201,) if "speed" in body else (201, 400, 403, 503, 504)
        assert reply.status_code in allowed, (path, reply.text)
        if reply.status_code == 201 and path != "/jsonldContexts":
            made.append(reply.headers["location"])
    link = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    for path in ("/entities?type=Car", "/entities?type=Car&local=true"):
        people["public"].get(API + path, headers={"Link": link})
        operator.get(API + path)
    for place in made:
        if "/subscriptions/" in place:
            for _ in range(1500):
                now = operator.get(place).json()["notification"]
                if now.get("timesFailed"):
                    break
                time.sleep(0.02)
            assert now["timesSent"] == now["timesFailed"] > 0
        operator.delete(place)
    assert inside[1] == []


def test_every_address_for_programs_is_in_the_published_description(people: People) -> None:
    """API9: nothing is offered that ``/openapi.json`` does not name, and nothing named that is not there."""
    described = people["public"].get("/openapi.json").json()
    (base,) = (server["url"] for server in described["servers"])
    named = {
        (verb.upper(), re.sub(r"\{(\w+)(:\w+)?\}", "{}", path if "/v1/" in path else base + path))
        for path, verbs in described["paths"].items()
        for verb in verbs
        if verb != "servers"
    }
    offered = {
        (verb, re.sub(r"\{(\w+)(:\w+)?\}", "{}", address.pattern))
        for address in addresses(people.node)
        for verb in address.verbs - {"HEAD"}
        if address.pattern.startswith(("/ngsi-ld/v1/", "/hansa/v1/"))
    }
    assert offered == named
    for old in ("/v2/entities", "/ngsi-ld/v0/entities", "/hansa/v0/sources", "/docs", "/metrics"):
        assert ask(people.node, "GET", old).status == 404


def test_what_another_broker_answers_is_shown_to_nobody_who_may_not_see_it(people: People) -> None:
    """API10: a source that is not registered is not asked, and one that is cannot reach what a token leaves out."""
    far = {
        "id": "urn:ngsi-ld:ContextSourceRegistration:far",
        "type": "ContextSourceRegistration",
        "information": [{"entities": [{"type": "Ferry"}]}],
        "endpoint": "https://broker.invalid",
    }
    assert people["operator"].post(f"{API}/csourceRegistrations", json=far).status_code == 201
    answer = people["of cars"].get(f"{API}/entities?type=Ferry")
    assert answer.json() == []
    assert "broker.invalid" not in str(answer.headers)
    assert people["public"].get(f"{API}/entities?type=Ferry").status_code in (200, 503, 504)
