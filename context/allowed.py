"""What may stand in a query: kinds of node and their parts, types, and functions by dialect. Everything else is refused.

Lists of what is allowed, never of what is bad: a reader of files or a switch of the engine that nobody has thought of is on none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

_NODES = """
    Select: with_ expressions from_ joins laterals where group having qualify order limit offset distinct windows sample
    Subquery: this alias with_ pivots joins laterals order limit offset
    Union Except Intersect: with_ this expression distinct by_name order limit offset
    With: expressions recursive
    CTE: this alias materialized
    TableAlias: this columns
    Table: this db catalog alias joins laterals pivots
    From Where Having Qualify: this
    Join: this on side kind method using
    Lateral: this alias
    Group: expressions all cube rollup grouping_sets
    Cube Rollup GroupingSets: expressions
    Order: this expressions
    Ordered: this desc nulls_first
    Limit: expression limit_options
    Offset: expression
    Fetch: direction count limit_options
    LimitOptions: percent rows with_ties
    Distinct: expressions on
    Values: expressions alias
    TableSample: method percent
    Pivot: expressions fields unpivot columns pivot_column_naming alias group
    Column: this table db catalog
    Identifier: this quoted
    Star: except_ replace rename
    Alias: this alias
    Literal: this is_string
    Boolean RawString ByteString Var Paren Neg Not All Any IgnoreNulls RespectNulls BitwiseNot: this
    Dot Escape BitwiseAnd BitwiseOr BitwiseXor BitwiseLeftShift BitwiseRightShift Collate Glob: this expression
    AtTimeZone: this zone
    Null JSONPathRoot:
    Tuple: expressions
    Interval: this unit
    DataType: this expressions nested
    DataTypeParam: this
    EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Add Sub Mul Mod IntDiv: this expression
    Div: this expression typed safe
    DPipe: this expression safe
    Is: this expression negate
    Like ILike SimilarTo: this expression negate
    In: this expressions query field
    Between: this low high symmetric
    Bracket: this expressions
    Filter: this expression
    WithinGroup: this expression
    Window: this partition_by order spec over alias
    WindowSpec: kind start start_side end end_side exclude
    Lambda: this expressions colon
    Comprehension: this expression iterator condition
    PivotAlias: this alias
    PropertyEQ Kwarg Overlaps: this expression
    Slice: this expression step
    JSONPath: expressions
    JSONPathKey JSONPathSubscript: this
    JSONKeyValue: this expression
    Cast TryCast: this to safe
    Unnest: expressions alias offset
"""


def _parts(text: str) -> dict[type[exp.Expr], frozenset[str]]:
    lines = (line.partition(":") for line in text.strip().splitlines())
    return {getattr(exp, name): frozenset(parts.split()) for names, _, parts in lines for name in names.split()}


NODES: Mapping[type[exp.Expr], frozenset[str]] = _parts(_NODES)
"""The kinds of node with their parts. Functions are not here: they go by their names."""

_TYPES = """
    BOOLEAN TINYINT SMALLINT INT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT UINT128 FLOAT DOUBLE DECIMAL BIGDECIMAL CHAR NCHAR VARCHAR
    NVARCHAR TEXT DATE TIME TIMETZ TIMESTAMP TIMESTAMPTZ TIMESTAMPLTZ TIMESTAMPNTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS DATETIME INTERVAL
    UUID JSON JSONB VARBINARY ARRAY LIST MAP STRUCT
"""
TYPES = frozenset(getattr(exp.DType, name) for name in _TYPES.split())
"""Types to cast to: none that a database defines itself, and none that looks a name up in its catalogue."""

_EVERYWHERE = """
    sum count avg min max mode stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy bool_and bool_or bit_and bit_or bit_xor string_agg array_agg
    percentile_cont percentile_disc any_value grouping row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value
    last_value nth_value abs ceil ceiling floor round trunc sign sqrt cbrt ln log log10 exp power pow mod greatest least coalesce nullif
    pi degrees radians sin cos tan asin acos atan atan2 cot lower upper trim ltrim rtrim btrim length char_length character_length
    octet_length left right substring substr concat concat_ws replace starts_with position strpos split_part reverse ascii chr translate
    overlay lpad rpad repeat md5 regexp_replace regexp_split_to_array string_to_array array_to_string date_trunc date_part extract age
    make_date make_timestamp now current_date current_timestamp to_timestamp unnest generate_series array_length array_position
    array_append array_prepend array_cat
"""
_DUCKDB = """
    count_star count_if countif median quantile quantile_cont quantile_disc approx_count_distinct approx_quantile arbitrary first last
    arg_max arg_min argmax argmin max_by min_by arg_max_null arg_min_null product mad kurtosis skewness entropy sem fsum kahan_sum favg
    group_concat listagg list histogram geomean geometric_mean grouping_id gcd lcm even sinh cosh tanh round_even isnan isinf isfinite
    fdiv fmod add subtract multiply divide ifnull if constant_or_null lcase ucase len strlen contains prefix suffix ends_with instr ord
    unicode concat_ws str_split string_split split str_split_regex string_split_regex regexp_matches regexp_full_match regexp_extract
    regexp_extract_all regexp_escape strip_accents hex unhex sha256 bit_length base64 format printf try timezone xor hash levenshtein
    jaccard jaro_similarity jaro_winkler_similarity hamming editdist3 format_bytes like_escape ilike_escape not_like_escape
    not_ilike_escape year quarter month week day hour minute second millisecond microsecond dayofweek dayofmonth dayofyear weekofyear
    weekday isodow isoyear yearweek decade century millennium era epoch epoch_ms epoch_us epoch_ns julian dayname monthname last_day
    days_in_month date_diff datediff date_sub datesub datepart datetrunc date_add time_bucket strftime strptime try_strptime make_time
    today to_years to_quarters to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds list_value
    list_pack array_value list_transform list_apply array_transform list_filter array_filter list_reduce list_sum list_avg list_min
    list_max list_count list_first list_last list_median list_mode list_product list_any_value list_string_agg list_bool_and list_bool_or
    list_contains list_has list_has_any list_has_all array_contains array_has list_position list_indexof list_distinct list_unique
    list_sort list_reverse_sort array_reverse_sort array_sort list_reverse list_concat list_cat list_append list_prepend list_slice
    array_slice list_extract list_element array_extract list_zip list_intersect list_where list_select flatten element_at struct_pack
    struct_extract row map map_extract map_keys map_values map_entries cardinality json json_extract json_extract_string json_extract_path
    json_extract_path_text json_array_length json_keys json_type json_valid json_value json_object json_array json_contains json_exists
    to_json json_group_array json_group_object range typeof pg_typeof unpivot_list
"""
_POSTGRES = """
    every json_agg jsonb_agg json_object_agg jsonb_object_agg json_build_object jsonb_build_object json_build_array jsonb_build_array
    to_json to_jsonb row_to_json json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path json_extract_path_text
    jsonb_extract_path jsonb_extract_path_text json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text
    to_char to_date to_number date_bin justify_days justify_hours justify_interval isfinite make_interval make_time initcap strpos
    regexp_match regexp_count regexp_substr regexp_like regexp_instr encode sha256 convert_to quote_literal array_remove array_replace
    array_upper array_lower array_ndims cardinality array_positions trim_array width_bucket div gcd lcm scale min_scale trim_scale
    num_nulls num_nonnulls bit_length like_escape similar_to_escape timezone overlaps string_to_table regexp_split_to_table format row
"""
FUNCTIONS: Mapping[str, frozenset[str]] = {
    "duckdb": frozenset((_EVERYWHERE + _DUCKDB).split()),
    "postgres": frozenset((_EVERYWHERE + _POSTGRES).split()),
}
"""By the names that the engine's own parser gives them. None reads the catalogue, a setting, a sequence, a file or another query's text,
none waits, and none changes anything."""

PARSED = frozenset(
    """
    approx_distinct approx_quantile array array_agg array_all array_any array_concat array_contains array_contains_all array_filter
    array_overlaps array_size array_slice array_sort array_to_string array_unique_agg bitwise_and_agg bitwise_or_agg bitwise_xor_agg case
    cast current_timestamp date date_add date_bin date_from_parts date_sub datetime_trunc day_of_month day_of_week day_of_week_iso
    day_of_year dayofweek_iso exists explode exploding_generate_series first group_concat if is_inf is_nan j_s_o_n_extract json_extract
    json_extract_scalar json_object json_object_agg json_build_object jsonb_extract jsonb_extract_scalar json_array_agg j_s_o_n_object
    last logical_and logical_or make_interval pad parse_json quantile regexp_extract regexp_i_like regexp_like regexp_replace regexp_split
    sort_array split str_position str_to_date str_to_time string_to_array struct struct_extract time_to_str time_to_unix timestamp_diff
    to_map columns try array_min array_max array_sum array_reverse array_first array_last array_distinct array_intersect array_remove
    array_prepend array_append sha2 bitwise_xor j_s_o_n_b_object_agg j_s_o_n_array_agg j_s_o_n_object_agg s_h_a2_digest sha2_digest row
    localtimestamp time_from_parts array_reverse_sort sort_array j_s_o_n_array timestamp_from_parts timestamp_trunc to_array to_char
    transform try_cast ts_or_ds_to_date ts_or_ds_add ts_or_ds_diff unix_to_time variance_pop week_of_year stddev unnest generate_series
    """.split()
)
"""Names that sqlglot gives to functions and no engine does; what the engine is sent in their place is checked by its own parser."""

COUNTED: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Repeat: ("times",), exp.Pad: ("expression",),
    exp.GenerateSeries: ("start", "end", "step"), exp.ExplodingGenerateSeries: ("start", "end", "step"),
}  # fmt: skip
"""Functions whose cost is the value of an argument, with the names of those arguments."""
MOST, MOST_TOGETHER = 100_000, 10_000_000
"""What such arguments may ask for: one function, and all of a query's multiplied."""
