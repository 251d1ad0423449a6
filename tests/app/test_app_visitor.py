"""Owners of runs on a server with many visitors."""

from types import SimpleNamespace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import Message
from mnist_core.runs.server_status import Heartbeat, running_servers
from mnist_core.runs.store import RunStore
from ui import operator_reports, visitor

ANNA, BEN = "a" * 32, "b" * 32


@pytest.fixture
def private(monkeypatch, sample_only):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")


@pytest.fixture
def train(app, visitor_from):
    """Have a visitor begin a run and stop it; return its id."""

    def run_of(token):
        from mnist_core.models.architectures import build_model

        visitor_from(token)
        writer = RunStore().create(TrainConfig(widths=(8,)), owner=visitor.identity())
        writer.save(build_model(writer.config), 1)
        writer.update("finished", test_accuracy=0.5)
        writer.close()
        return writer.id

    return run_of


def in_sidebar(test):
    return [button.key.removeprefix("open_") for button in test.sidebar.button]


def page_of(app, visitor_from, token, name="runs", **query):
    visitor_from(token)
    return app(name, **query)


@pytest.fixture
def connect(monkeypatch):
    """Set what Streamlit knows of a connection: from this machine to localhost, but for what is given."""

    def come(ip=None, url="http://localhost:8501/train", bound="localhost", **headers):
        options = {"server.address": bound}
        monkeypatch.setattr(visitor.st, "get_option", options.get)
        headers = {"Host": "localhost:8501", **headers}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in named.items() if value is not None}
        context = SimpleNamespace(ip_address=ip, url=url, headers=sent, cookies={})
        monkeypatch.setattr(visitor.st, "context", context)
        monkeypatch.delenv("DIGITLAB_PRIVATE", raising=False)

    return come


@pytest.mark.parametrize(
    "local",
    [
        {},
        {"Host": "127.0.0.1:8501", "url": "http://127.0.0.1:8501/"},
        {"Host": "[::1]:8501", "url": "http://[::1]:8501/"},
        {"url": None},
        {"Host": None},
        {"bound": "127.0.0.1"},
        {"bound": "::1"},
    ],
)
def test_a_visitor_on_this_machine_sees_all_runs(connect, local):
    connect(**local)
    assert not visitor.is_private()
    assert not visitor.could_be_local()


@pytest.mark.parametrize(
    "remote",
    [
        {"ip": "192.168.1.20"},
        {"url": "http://lab.example.org/"},
        {"url": "http://localhost.example.org/"},
        {"url": "http://localhost@lab.example.org/"},
        {"url": "http://[broken/"},
        {"Host": "lab.example.org"},
        {"Host": "localhost.example.org"},
        {"Host": "192.168.1.10:8501"},
        {"Host": "[broken"},
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_Host": "localhost"},
        {"X_Real_Ip": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
    ],
)
def test_one_sign_of_a_remote_visitor_is_enough_to_be_private(connect, remote):
    """Address, URL, Host and proxies' headers can each be spoofed, so all must be local."""
    connect(**remote)
    assert visitor.is_private()


@pytest.mark.parametrize("bound", [None, "", "0.0.0.0", "192.168.1.10", "lab.example.org", "::"])
def test_headers_cannot_make_a_server_local_that_others_can_reach(connect, bound):
    connect(bound=bound)
    assert visitor.is_private()
    assert visitor.could_be_local()  # the page Runs says how it is made local
    connect(bound=bound, ip="10.0.0.5")
    assert visitor.is_private()
    assert not visitor.could_be_local()


def test_who_starts_it_open_to_others_is_told_why_they_see_their_own_runs_only(
    app, visitor_from, monkeypatch
):
    monkeypatch.delenv("DIGITLAB_PRIVATE")
    test = page_of(app, visitor_from, ANNA)
    assert any("--server.address=localhost" in caption.value for caption in test.caption)
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    assert not any("--server.address" in caption.value for caption in test.run().caption)


@pytest.mark.parametrize(("ip", "private"), [("127.0.0.1", False), ("::1", False), ("10.0.0.5", True)])
def test_streamlit_tells_local_addresses_from_others(visitor_from, monkeypatch, ip, private):
    """By `st.context.ip_address` itself, not a stand-in for it."""
    monkeypatch.setattr(visitor, "bound_here", lambda: True)
    monkeypatch.delenv("DIGITLAB_PRIVATE", raising=False)
    visitor_from(ANNA, ip, Host="localhost")
    assert visitor.is_private() is private


@pytest.mark.parametrize("remote", [{}, {"ip": "10.0.0.5"}])
def test_the_variable_decides_whoever_comes(connect, monkeypatch, remote):
    connect(**remote)
    for wanted in ("0", "1", "yes"):
        monkeypatch.setenv("DIGITLAB_PRIVATE", wanted)
        assert visitor.is_private() is (wanted != "0")


def test_a_link_to_a_huge_network_is_refused_on_a_public_server(app, private, visitor_from):
    link = {"recipe": "tutorial-1", "widths": "1024-1024-1024"}
    test = page_of(app, visitor_from, ANNA, "train", lang="zh", **link)
    test.button(key="start_button").click().run()
    said = "这个网络有 2,913,290 个参数，而本服务器最多允许 2,000,000 个。"
    assert any(said in error.value for error in test.error)
    assert RunStore().list() == []


def test_two_visitors_do_not_see_each_others_runs(app, private, train, visitor_from):
    hers, his = train(ANNA), train(BEN)
    for page in ("runs", "explore", "train", "evaluate", "draw"):
        assert in_sidebar(page_of(app, visitor_from, ANNA, page)) == [hers]
        assert in_sidebar(page_of(app, visitor_from, BEN, page)) == [his]
    options = page_of(app, visitor_from, BEN, "evaluate").selectbox(key="run").options
    assert len(options) == 2  # the pretrained one and his
    assert "{" not in options[1]


def test_the_same_visitor_sees_the_same_list_in_another_session(app, private, train, visitor_from):
    hers = train(ANNA)
    assert in_sidebar(page_of(app, visitor_from, ANNA)) == [hers]
    assert in_sidebar(page_of(app, visitor_from, ANNA)) == [hers]


def test_who_has_no_cookie_yet_or_a_made_up_one_sees_nothing_but_keeps_one_identity(
    app, private, train, visitor_from, html
):
    train(ANNA)
    for token in (None, "nonsense", "<script>", "A" * 32, ""):
        test = page_of(app, visitor_from, token)
        assert in_sidebar(test) == []
        assert "kept here" in test.info[0].value
        own = test.session_state["digitlab_visitor"]
        assert f"digitlab_visitor={own}; path=/; max-age=31536000; SameSite=Lax" in html(test)
        test.run()
        assert test.session_state["digitlab_visitor"] == own


def test_where_nobody_needs_to_be_told_apart_there_is_no_cookie(app, visitor_from, html):
    visitor_from(None)
    assert visitor.TOKEN_COOKIE not in html(app())


def test_a_link_opens_a_run_and_it_stays_in_the_list_even_of_later_sessions(
    app, private, train, visitor_from
):
    hers = train(ANNA)
    test = page_of(app, visitor_from, BEN, "train", run=hers)
    assert any("finished" in element.value for element in test.subheader)
    assert in_sidebar(test) == [hers]
    assert in_sidebar(page_of(app, visitor_from, BEN)) == [hers]
    assert in_sidebar(page_of(app, visitor_from, "c" * 32)) == []


def test_a_run_opened_by_link_can_only_be_looked_at(app, private, train, visitor_from):
    hers = train(ANNA)
    test = page_of(app, visitor_from, BEN, "runs", run=hers)
    assert test.text_input(key=f"name_{hers}").disabled
    assert test.toggle(key=f"pinned_{hers}").disabled
    assert next(button for button in test.button if button.label == "Delete").disabled
    assert "opened by a link" in " ".join(caption.value for caption in test.caption)
    visitor_from(BEN)
    run = RunStore().get(hers)
    assert not visitor.owns(run)
    visitor_from(ANNA)
    assert visitor.owns(run)


def test_what_the_page_disables_is_refused_behind_it_too(app, private, train, visitor_from, monkeypatch):
    from ui.runs import changes

    hers = train(ANNA)
    visitor_from(BEN)
    monkeypatch.setattr("ui.runs.changes.st.session_state", {"name": "mine now", "pin": True})
    changes.rename(hers, "name")
    changes.pin(hers, "pin")
    changes.remove({hers: "x"})
    run = RunStore().get(hers)
    assert (run.metadata.name, run.metadata.pinned) == ("", False)


def test_on_a_server_that_is_not_private_all_runs_are_everybodys(app, train, visitor_from, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "0")
    hers, his = train(ANNA), train(BEN)
    assert in_sidebar(page_of(app, visitor_from, BEN)) == [his, hers]
    assert not page_of(app, visitor_from, BEN, "runs", run=hers).text_input(key=f"name_{hers}").disabled


def test_a_run_keeps_a_hash_of_the_cookie_not_the_cookie(private, train):
    hers = train(ANNA)
    text = (RunStore().get(hers).folder / "label.json").read_text()
    assert ANNA not in text
    assert RunStore().get(hers).metadata.owner


def test_a_run_started_on_the_page_is_its_visitors(app, private, visitor_from):
    test = page_of(app, visitor_from, ANNA, "train")
    next(button for button in test.button if button.label == "Start training").click().run()
    run_id = test.query_params["run"]
    assert in_sidebar(test) == [run_id]
    other = page_of(app, visitor_from, BEN, "train", run=run_id)
    ends = {"Stop", "Leave the queue"}  # of a run that trains, and of one that waits
    assert not ends & {button.label for button in other.button}
    visitor_from(ANNA)
    next(button for button in test.button if button.label in ends).click().run()
    assert not test.exception


def test_the_operator_is_told_of_data_line_and_open_pages(app, monkeypatch):
    monkeypatch.setattr("ui.operator_reports.Heartbeat.start", lambda heartbeat: heartbeat.write())
    assert not app().exception
    (server,) = running_servers(RunStore().directory)
    told = [server[name] for name in ("source", "training", "waiting", "pages")]
    assert told == ["sample", 0, 0, 1]
    assert "cluster" not in server


def test_the_operator_is_told_of_the_cluster(monkeypatch):
    refused = Message("Worker {address} is another.", {"address": "w1"})
    worker = {"address": "tcp://w2:1", "runs": ["0123456789abcdef"]}
    facts = {"cluster": "local:2", "cluster_workers": [worker], "cluster_refused": [refused]}
    monkeypatch.setattr("ui.resources.cluster_facts", lambda: facts)
    monkeypatch.setattr(Heartbeat, "start", lambda heartbeat: heartbeat.write())
    operator_reports.heartbeat()
    (server,) = running_servers(RunStore().directory)
    told = {"cluster_workers": [worker | {"runs": ["01234567"]}]}  # the whole id would open the run
    assert server.items() >= (facts | told | {"cluster_refused": ["Worker w1 is another."]}).items()
