"""Accuracies with intervals, significance of the differences, and the cost of each run."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.evaluation.significance import LEVEL
from mnist_core.runs.comparison import Comparison, Pair
from mnist_core.runs.comparison_text import p_figure
from ui.compare.charts import ScoreWords, line_url, score_points, score_spec
from ui.compare.selection import ComparedRuns, choose_pair, compare, pair_name, paragraph
from ui.file_transfers import as_cell
from ui.html.tables import escape_markdown
from ui.i18n import format_text
from ui.i18n import gettext as _
from ui.runs.names import row_height

if TYPE_CHECKING:
    import pandas as pd

NAME, PAIR, LINE = 180, 200, 48  # pixels, so that a phone has room for a figure beside them; names wrap
MOST_PAIRS, PAIRS_HEIGHT = 10, 390  # more pairs scroll, in a table of this height in pixels


def show(chosen: ComparedRuns) -> None:
    """Show the section."""
    comparison = compare(chosen)
    st.vega_lite_chart(
        score_points(chosen.names, comparison.scores),
        score_spec(chosen.names, score_words()),
        key="scores",
        alt=_("Accuracy of each run with its 95% confidence interval; the table below has the numbers"),
    )
    st.caption(
        format_text(
            _(
                "A dot is the accuracy on the {images:,} test images. Its line is the 95% confidence "
                "interval (Wilson) of the accuracy on all images like these. A difference can be "
                "significant although the lines overlap, as all runs classify the same images; the "
                "tests below take that into account."
            ),
            images=comparison.images,
        )
    )
    st.subheader(_("Significance: is the difference real?"))
    _show_pairs(chosen, comparison)
    st.subheader(_("Results and cost of each run"))
    _show_table(chosen, comparison)
    st.caption(paragraph(comparison.notes))


def score_words() -> ScoreWords:
    """Return the names of the parts of a chart of accuracies."""
    return ScoreWords(_("Run"), _("Test accuracy"), _("95% CI, lower"), _("95% CI, upper"))


def verdict(pair: Pair) -> str:
    """Return the result of a pair's test in a few words."""
    if not len(pair.only_first) + len(pair.only_second):
        return _("Same images correct")
    return _("Significant difference") if pair.p_holm < LEVEL else _("Not significant")


def _show_pairs(chosen: ComparedRuns, comparison: Comparison) -> None:
    if len(comparison.pairs) > 1:
        height = "content" if len(comparison.pairs) <= MOST_PAIRS else PAIRS_HEIGHT
        table, columns = _pairs_table(chosen, comparison), _pair_columns()
        tall = row_height(table["pair"], PAIR)
        st.dataframe(table, column_config=columns, hide_index=True, height=height, row_height=tall)
    with st.container(border=True, key="pair_words"):
        pair = choose_pair(chosen, comparison)
        title = _("{run}: {value}").format(run=pair_name(chosen, pair), value=verdict(pair))
        st.markdown(f"**{escape_markdown(title)}**")
        st.markdown(paragraph(pair.statements))


def _pairs_table(chosen: ComparedRuns, comparison: Comparison) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(
        {
            "pair": pair_name(chosen, pair),
            "verdict": verdict(pair),
            "only_first": len(pair.only_first),
            "only_second": len(pair.only_second),
            "p": p_figure(pair.p),
            "p_holm": p_figure(pair.p_holm),
        }
        for pair in comparison.pairs
    )


def _pair_columns() -> dict[str, Any]:
    column = st.column_config
    first, second = _("Only first correct"), _("Only second correct")
    return {
        "pair": column.TextColumn(_("Pair"), width=PAIR),
        "verdict": column.TextColumn(_("Verdict"), help=_("Significant when the corrected p is below 5%.")),
        "only_first": column.NumberColumn(
            first, format="localized", help=_("Images that only the first of the two classifies correctly.")
        ),
        "only_second": column.NumberColumn(
            second, format="localized", help=_("Images that only the second of the two classifies correctly.")
        ),
        "p": column.TextColumn("p", help=_("McNemar's exact test, two-sided.")),
        "p_holm": column.TextColumn(
            _("p, corrected"), help=_("For the number of pairs compared here (Holm).")
        ),
    }


def _show_table(chosen: ComparedRuns, comparison: Comparison) -> None:
    import pandas as pd

    rows = [score.row() | {"name": name} for score, name in zip(comparison.scores, chosen.names, strict=True)]
    table = pd.DataFrame(rows)
    tall = row_height(chosen.names, NAME)
    table.insert(0, "line", [line_url(place, tall) for place in range(len(table))])
    shown = table[[*_score_columns()]].copy()
    shown["images_per_second"] = shown["images_per_second"].astype(float).round()
    for name in ("epochs", "train_seconds"):
        shown[name] = shown[name].astype(float).round(1)
    for share in ("accuracy", "accuracy_low", "accuracy_high"):
        shown[share] *= 100
    st.dataframe(
        shown,
        column_config=_score_columns(),
        hide_index=True,
        height="content",
        row_height=tall,
        placeholder="–",
    )
    st.download_button(
        _("Download as CSV"),
        lambda: table.drop(columns="line").assign(name=table["name"].map(as_cell)).to_csv(index=False),
        file_name="comparison.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="comparison_csv",
    )


def _score_columns() -> dict[str, Any]:
    column, number = st.column_config, st.column_config.NumberColumn
    return {
        "line": column.ImageColumn("", width=LINE),
        "name": column.TextColumn(_("Run"), width=NAME),
        "accuracy": number(_("Test accuracy"), format="%.2f%%"),
        "accuracy_low": number(_("95% CI, lower"), format="%.2f%%"),
        "accuracy_high": number(_("95% CI, upper"), format="%.2f%%"),
        "loss": number(_("Loss"), format="%.4f", help=_("Mean cross-entropy on the test images, in nats.")),
        "parameters": number(_("Parameters"), format="localized"),
        "bytes": number(_("Bytes"), format="localized", help=_("Size of the weights file.")),
        "epochs": number(_("Epochs"), format="localized"),
        "train_seconds": number(
            _("Seconds"), format="localized", help=_("Training time on the machine that trained it.")
        ),
        "images_per_second": number(_("Images per second"), format="localized", help=_("During training.")),
        "device": column.TextColumn(_("Device")),
        "threads": number(_("Threads")),
    }
