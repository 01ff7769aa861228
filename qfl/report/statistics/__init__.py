"""From numbers per seed to what may be said: intervals, outcomes, tests, comparisons, the headline.

Every estimate comes with its interval and every p-value with its guard; nothing is drawn here.
"""
