"""What may stand in a query: kinds of node, parts of a SELECT and of a table, and functions. Everything else is refused."""

from __future__ import annotations

from sqlglot import exp

NODES: frozenset[type[exp.Expr]] = frozenset({
    exp.Select, exp.From, exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
    exp.With, exp.CTE, exp.TableAlias, exp.Subquery, exp.Table, exp.Column, exp.Identifier, exp.Star, exp.Alias,
    exp.Union, exp.Except, exp.Intersect, exp.Distinct,
    exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple, exp.Interval, exp.Var, exp.DataType, exp.DataTypeParam, exp.Cast, exp.TryCast,
    exp.And, exp.Or, exp.Not, exp.Neg, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
    exp.Is, exp.In, exp.Between, exp.Like, exp.ILike, exp.Escape, exp.Exists,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.DPipe,
    exp.Case, exp.If, exp.Filter, exp.WithinGroup, exp.Window, exp.WindowSpec, exp.Extract,
})  # fmt: skip

PLAN_NODES: frozenset[type[exp.Expr]] = frozenset({exp.Unnest, exp.GenerateSeries, exp.AtTimeZone})
"""What the compiler writes and an asker's text may not hold."""

SELECT_PARTS = frozenset({
    "with_", "expressions", "from_", "joins", "where", "group", "having", "qualify", "order", "limit", "offset", "distinct",
})  # fmt: skip
TABLE_PARTS = frozenset({"this", "db", "catalog", "alias"})

FUNCTIONS = frozenset("""
    SUM COUNT COUNT_IF AVG MIN MAX MEDIAN MODE STDDEV STDDEV_POP STDDEV_SAMP VARIANCE VARIANCE_POP VAR_POP VAR_SAMP
    CORR COVAR_POP COVAR_SAMP
    QUANTILE QUANTILE_CONT QUANTILE_DISC PERCENTILE_CONT PERCENTILE_DISC APPROX_DISTINCT APPROX_QUANTILE
    ANY_VALUE ARG_MAX ARG_MIN FIRST LAST LOGICAL_OR LOGICAL_AND BOOL_AND BOOL_OR
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE NTH_VALUE
    ABS CEIL FLOOR ROUND TRUNC SIGN SQRT LN LOG LOG10 EXP POWER POW MOD GREATEST LEAST COALESCE NULLIF IFNULL
    LOWER UPPER TRIM LENGTH LEFT RIGHT SUBSTRING CONCAT REPLACE STARTS_WITH ENDS_WITH CONTAINS STR_POSITION SPLIT_PART
    DATE TIMESTAMP_TRUNC DATE_TRUNC DATETIME_TRUNC DATE_DIFF DATEDIFF TIMESTAMP_DIFF DATE_ADD DATE_SUB DATE_PART EXTRACT
    YEAR QUARTER MONTH WEEK DAY HOUR MINUTE SECOND DAY_OF_WEEK DAYOFWEEK_ISO DAY_OF_MONTH DAY_OF_YEAR WEEK_OF_YEAR
    DAYNAME MONTHNAME LAST_DAY
    TS_OR_DS_TO_DATE DATE_FROM_PARTS MAKE_DATE STRFTIME TIME_TO_STR STR_TO_TIME CAST TRY_CAST CASE IF EXISTS
""".split())  # fmt: skip
