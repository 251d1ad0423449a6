import pytest
from streamlit.testing.v1 import AppTest

from ui import arrival


@pytest.fixture
def pauses(monkeypatch):
    """The seconds waited so far."""
    waited = []
    monkeypatch.setattr(arrival.time, "sleep", waited.append)
    monkeypatch.setattr(arrival.st, "session_state", {})
    return waited


def test_only_what_is_new_is_waited_for(pauses):
    arrival.let_arrive("plan", "60,000 images")
    arrival.let_arrive("plan", "60,000 images")
    assert len(pauses) == 1
    arrival.let_arrive("plan", "5,000 images")
    assert len(pauses) == 2


def test_each_place_has_its_own(pauses):
    arrival.let_arrive("heading", "Train")
    arrival.let_arrive("plan", "Train")
    assert len(pauses) == 2


def test_where_a_fragment_is_not_there_all_of_the_page_is_drawn():
    def page():
        import streamlit as st

        from ui.arrival import rerun_only

        st.button("known", on_click=rerun_only, args=("part",))
        st.button("unknown", on_click=rerun_only, args=("part", "another"))
        st.fragment(lambda: st.caption("part"), key="part")()

    test = AppTest.from_function(page).run()
    test.button[0].click().run()
    assert ([part.value for part in test.caption], len(test.button)) == (["part"], 0)
    test.run().button[1].click().run()
    assert ([part.value for part in test.caption], len(test.button)) == (["part"], 2)
    assert not test.exception
