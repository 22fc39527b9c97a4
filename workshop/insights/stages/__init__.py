"""The stages of a query, and what each does to a pipeline."""

from collections.abc import Mapping

from workshop.insights import syntax
from workshop.insights.pipeline import Apply
from workshop.insights.stages import (
    fields,
    joining,
    lookups,
    neighbours,
    outliers,
    parsing,
    patterns,
    rows,
    sessions,
    statistics,
    totals,
)

STAGES: Mapping[type[syntax.Stage], Apply] = {
    syntax.Fields: fields.apply_fields,
    syntax.Display: fields.apply_display,
    syntax.Filter: rows.apply_filter,
    syntax.Sort: rows.apply_sort,
    syntax.Limit: rows.apply_limit,
    syntax.Dedup: rows.apply_dedup,
    syntax.Unnest: rows.apply_unnest,
    syntax.Expand: rows.apply_expand,
    syntax.Parse: parsing.apply_parse,
    syntax.ParseMulti: parsing.apply_multi,
    syntax.ParseLogfmt: parsing.apply_logfmt,
    syntax.ParseCsv: parsing.apply_csv,
    syntax.Json: parsing.apply_json,
    syntax.Stats: statistics.apply_stats,
    syntax.CountFrequent: statistics.apply_count_frequent,
    syntax.Fillmissing: statistics.apply_fillmissing,
    syntax.Pattern: patterns.apply_pattern,
    syntax.Diff: patterns.apply_diff,
    syntax.Logcompare: patterns.apply_diff,
    syntax.Join: joining.apply_join,
    syntax.Appendcols: joining.apply_appendcols,
    syntax.Lookup: lookups.apply_lookup,
    syntax.Cidrlookup: lookups.apply_cidrlookup,
    syntax.Accum: neighbours.apply_accum,
    syntax.Autoregress: neighbours.apply_autoregress,
    syntax.Filldown: neighbours.apply_filldown,
    syntax.Addtotals: totals.apply_addtotals,
    syntax.Outlier: outliers.apply_outlier,
    syntax.Sessionize: sessions.apply_sessionize,
}
"""All but `SOURCE`, which says where the log events come from."""
