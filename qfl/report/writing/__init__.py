"""From a run to the files of its report: everything computed once, then page, summary and figures.

The page's templates are beside the code that fills them.
"""
