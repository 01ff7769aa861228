"""Figures as Vega-Lite dicts: their vocabulary, the look of methods, and the columns behind them.

Drawn from finished numbers; no statistics here.
"""
